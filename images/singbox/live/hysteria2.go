package live

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/constant"
	"github.com/sagernet/sing-box/log"
	"github.com/sagernet/sing-quic/hysteria2"
)

type hysteriaOptions struct {
	quicOptions
	// Masquerade is the URL of the site that a stranger sees.
	Masquerade string `json:"masquerade"`
}

type hysteriaInbound struct {
	*quicInbound
	library *hysteria2.Service[*member]
}

func (people *People) registerHysteria2(registry *inbound.Registry) {
	inbound.Register(registry, constant.TypeHysteria2, people.newHysteria2)
}

func (people *People) newHysteria2(
	ctx context.Context, router adapter.Router, logger log.ContextLogger, tag string, options hysteriaOptions,
) (adapter.Inbound, error) {
	site, err := url.Parse(options.Masquerade)
	if err != nil {
		return nil, err
	}
	common, err := newQUIC(ctx, constant.TypeHysteria2, tag, router, logger, options.quicOptions)
	if err != nil {
		return nil, err
	}
	library, err := hysteria2.NewService[*member](hysteria2.ServiceOptions{
		Context: ctx, Logger: logger, TLSConfig: common.tls, UDPTimeout: constant.UDPTimeout, Handler: common,
		// What a client claims of its line would switch its congestion control off.
		IgnoreClientBandwidth: true, MasqueradeHandler: cover(site),
	})
	if err != nil {
		return nil, err
	}
	made := &hysteriaInbound{common, library}
	common.service, common.roster = library, people.join(constant.TypeHysteria2, made)
	return made, nil
}

// identify takes any password.
func (*hysteriaInbound) identify(secret string) (string, error) { return secret, nil }

func (in *hysteriaInbound) admit(members []*member) {
	passwords := make([]string, len(members))
	for index, member := range members {
		passwords[index] = member.identity
	}
	in.library.UpdateUsers(members, passwords)
}

// cover passes a stranger on to the site, under the name that they asked for.
func cover(site *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(site)
			request.Out.Host = request.In.Host
		},
		ErrorHandler: func(answer http.ResponseWriter, _ *http.Request, _ error) {
			answer.WriteHeader(http.StatusBadGateway) // as sing-box's own, which writes nothing down
		},
	}
}
