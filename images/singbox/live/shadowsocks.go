package live

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"sync/atomic"

	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/common/mux"
	"github.com/sagernet/sing-box/common/uot"
	"github.com/sagernet/sing-box/constant"
	"github.com/sagernet/sing-box/log"
	"github.com/sagernet/sing-box/option"
	"github.com/sagernet/sing-shadowsocks/shadowaead_2022"
	"github.com/sagernet/sing/common/network"
	"github.com/sagernet/sing/common/ntp"
)

const (
	shadowsocksMethod = "2022-blake3-aes-128-gcm"
	// keyBytes is the length of that method's keys (SIP022, section 2.1).
	keyBytes = 16
)

type shadowsocksOptions struct {
	// Password is the server's key in base64; a client shows it and its user's own.
	Password string `json:"password"`
}

// shadowsocksInbound is Shadowsocks 2022 behind ShadowTLS, which hands connections to it: it listens nowhere. UDP comes
// over TCP, and connections may be multiplexed.
type shadowsocksInbound struct {
	inbound.Adapter
	router  adapter.ConnectionRouterEx
	logger  log.ContextLogger
	roster  *roster
	library atomic.Pointer[shadowaead_2022.MultiService[*member]]
}

func (people *People) registerShadowsocks(registry *inbound.Registry) {
	inbound.Register(registry, constant.TypeShadowsocks, people.newShadowsocks)
}

func (people *People) newShadowsocks(
	ctx context.Context, router adapter.Router, logger log.ContextLogger, tag string, options shadowsocksOptions,
) (adapter.Inbound, error) {
	multiplexed, err := mux.NewRouterWithOptions(
		uot.NewRouter(router, logger), logger, option.InboundMultiplexOptions{Enabled: true})
	if err != nil {
		return nil, err
	}
	made := &shadowsocksInbound{
		Adapter: inbound.NewAdapter(constant.TypeShadowsocks, tag), router: multiplexed, logger: logger,
	}
	library, err := shadowaead_2022.NewMultiServiceWithPassword[*member](
		shadowsocksMethod, options.Password, int64(constant.UDPTimeout.Seconds()),
		adapter.NewUpstreamHandler(adapter.InboundContext{}, made.newConnection, made.newPacketConnection, made),
		ntp.TimeFuncFromContext(ctx))
	if err != nil {
		return nil, err
	}
	made.library.Store(library)
	made.roster = people.join(constant.TypeShadowTLS, made)
	return made, nil
}

// identify returns the key's bytes.
func (*shadowsocksInbound) identify(secret string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) != keyBytes {
		return "", errors.New("the secret is not 16 bytes in base64")
	}
	return string(key), nil
}

func (in *shadowsocksInbound) admit(members []*member) {
	keys := make([][]byte, len(members))
	for index, member := range members {
		keys[index] = []byte(member.identity)
	}
	// Another one with the same memory of salts, because a login reads more than one map of the library's.
	next := &shadowaead_2022.MultiService[*member]{Service: in.library.Load().Service}
	_ = next.UpdateUsers(members, keys) // fails for keys of another length only
	in.library.Store(next)
}

// Start does nothing (adapter.Inbound).
func (*shadowsocksInbound) Start(adapter.StartStage) error { return nil }

// Close does nothing (adapter.Inbound).
func (*shadowsocksInbound) Close() error { return nil }

// NewConnectionEx takes a connection from ShadowTLS (adapter.TCPInjectableInbound).
func (in *shadowsocksInbound) NewConnectionEx(
	ctx context.Context, conn net.Conn, metadata adapter.InboundContext, onClose network.CloseHandlerFunc,
) {
	err := in.library.Load().NewConnection(ctx, conn, adapter.UpstreamMetadata(metadata))
	_ = network.CloseOnHandshakeFailure(conn, onClose, err)
	if err != nil {
		in.NewError(ctx, err)
	}
}

// newConnection tracks what ShadowTLS handed over as a whole, for streams inside it are a removed user's too.
func (in *shadowsocksInbound) newConnection(ctx context.Context, conn net.Conn, metadata adapter.InboundContext) error {
	member := in.roster.find(ctx)
	if member == nil {
		return errGone
	}
	metadata.User, metadata.Inbound, metadata.InboundType = member.name, in.Tag(), in.Type()
	tracked := member.track(conn)
	defer tracked.leave()
	// Returns when the connection has ended, and only then.
	return in.router.RouteConnection(ctx, tracked, metadata)
}

// newPacketConnection refuses: UDP comes over TCP.
func (*shadowsocksInbound) newPacketConnection(context.Context, network.PacketConn, adapter.InboundContext) error {
	return errors.ErrUnsupported
}

// NewError writes down what a connection ended with; a stranger's own are many.
func (in *shadowsocksInbound) NewError(ctx context.Context, err error) {
	in.logger.DebugContext(ctx, "connection closed: ", err)
}
