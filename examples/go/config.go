package main

import (
	"encoding/json"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.com/plugins/coprocess"
)

// config is the config_data of the API definition.
type config struct {
	Header string         `json:"header"`
	Value  string         `json:"value"`
	Keys   map[string]key `json:"keys"`
}

// key is what a caller may do: rate requests in per seconds, quota_max requests in quota_renewal_rate seconds.
type key struct {
	Plan             string  `json:"plan"`
	Rate             float64 `json:"rate"`
	Per              float64 `json:"per"`
	QuotaMax         int64   `json:"quota_max"`
	QuotaRenewalRate int64   `json:"quota_renewal_rate"`
}

// configs holds what was parsed, by its text: that is new only when a definition changes.
var configs sync.Map

func configOf(object *coprocess.Object) (*config, error) {
	text := object.GetSpec()["config_data"]
	if parsed, ok := configs.Load(text); ok {
		return parsed.(*config), nil
	}
	parsed := &config{}
	if err := json.Unmarshal([]byte(text), parsed); err != nil {
		return nil, status.Errorf(codes.FailedPrecondition, "config_data of API %s: %v", object.GetSpec()["APIID"], err)
	}
	configs.Store(text, parsed)
	return parsed, nil
}
