package live

import (
	"context"
	"errors"
	"strings"

	"github.com/gofrs/uuid/v5"
	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/common/uot"
	"github.com/sagernet/sing-box/constant"
	"github.com/sagernet/sing-box/log"
	"github.com/sagernet/sing-quic/tuic"
)

type tuicOptions struct {
	quicOptions
	CongestionControl string `json:"congestion_control"`
}

type tuicInbound struct {
	*quicInbound
	library *tuic.Service[*member]
}

func (people *People) registerTUIC(registry *inbound.Registry) {
	inbound.Register(registry, constant.TypeTUIC, people.newTUIC)
}

func (people *People) newTUIC(
	ctx context.Context, router adapter.Router, logger log.ContextLogger, tag string, options tuicOptions,
) (adapter.Inbound, error) {
	common, err := newQUIC(ctx, constant.TypeTUIC, tag, uot.NewRouter(router, logger), logger, options.quicOptions)
	if err != nil {
		return nil, err
	}
	library, err := tuic.NewService[*member](tuic.ServiceOptions{
		// It writes down the UUID of whoever it refuses, which another protocol may still let in.
		Logger:  log.NewNOPFactory().Logger(),
		Context: ctx, TLSConfig: common.tls, CongestionControl: options.CongestionControl,
		UDPTimeout: constant.UDPTimeout, Handler: common,
	})
	if err != nil {
		return nil, err
	}
	made := &tuicInbound{common, library}
	common.service, common.roster = library, people.join(constant.TypeTUIC, made)
	return made, nil
}

// identify returns the UUID's bytes of a secret UUID:PASSWORD.
func (*tuicInbound) identify(secret string) (string, error) {
	text, password, _ := strings.Cut(secret, ":")
	id, err := uuid.FromString(text)
	if err != nil || password == "" {
		// Not the parser's own words, which repeat the secret.
		return "", errors.New("the secret is not UUID:PASSWORD")
	}
	return string(id[:]), nil
}

func (in *tuicInbound) admit(members []*member) {
	ids, passwords := make([][16]byte, len(members)), make([]string, len(members))
	for index, member := range members {
		copy(ids[index][:], member.identity)
		_, passwords[index], _ = strings.Cut(member.secret, ":")
	}
	in.library.UpdateUsers(members, ids, passwords)
}
