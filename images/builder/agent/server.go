package agent

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	// Ten thousand users with three secrets each take about 3 MB.
	mostBytes   = 16 << 20
	readTimeout = 10 * time.Second
)

func (keeper *Keeper) serve(listener net.Listener, token string) error {
	server := &http.Server{
		Handler: authorised(token, keeper.routes()), ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout,
		MaxHeaderBytes: 1 << 13,
	}
	return server.Serve(listener)
}

func (keeper *Keeper) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(answer http.ResponseWriter, _ *http.Request) { show(answer, 200, keeper.Status()) })
	mux.HandleFunc("GET /traffic", keeper.traffic)
	mux.HandleFunc("PATCH /users", taking(keeper.Change))
	mux.HandleFunc("PUT /users", taking(keeper.Replace))
	return mux
}

func (keeper *Keeper) traffic(answer http.ResponseWriter, _ *http.Request) {
	users, err := keeper.engine.Traffic()
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadGateway)
		return
	}
	show(answer, http.StatusOK, map[string]any{"instance": keeper.instance, "users": users})
}

func authorised(token string, next http.Handler) http.Handler {
	wanted := []byte("Bearer " + token)
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if subtle.ConstantTimeCompare([]byte(request.Header.Get("Authorization")), wanted) != 1 {
			http.Error(answer, "the token is not the agent's", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(answer, request)
	})
}

// taking reads a body for a method of the keeper's, and answers the status that follows.
func taking[Body any](take func(Body) (Status, error)) http.HandlerFunc {
	return func(answer http.ResponseWriter, request *http.Request) {
		var body Body
		decoder := json.NewDecoder(http.MaxBytesReader(answer, request.Body, mostBytes))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&body); err != nil {
			http.Error(answer, "the body is not what this path takes", http.StatusBadRequest)
			return
		}
		status, err := take(body)
		switch {
		case errors.Is(err, ErrConflict):
			show(answer, http.StatusConflict, status)
		case errors.Is(err, errRefused):
			http.Error(answer, err.Error(), http.StatusUnprocessableEntity)
		case err != nil:
			http.Error(answer, err.Error(), http.StatusInternalServerError)
		default:
			show(answer, http.StatusOK, status)
		}
	}
}

func show(answer http.ResponseWriter, code int, value any) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(code)
	_ = json.NewEncoder(answer).Encode(value) // fails only if the panel is gone
}
