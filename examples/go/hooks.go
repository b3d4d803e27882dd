package main

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/metadata"

	"example.com/plugins/coprocess"
)

// stamp (Pre) sets the header that the API's config_data names, and shows that the trace reaches the plugin.
func stamp(ctx context.Context, object *coprocess.Object) error {
	config, err := configOf(object)
	if err != nil {
		return err
	}
	set(&object.Request.SetHeaders, config.Header, config.Value)
	if incoming, ok := metadata.FromIncomingContext(ctx); ok {
		if traceparent := incoming.Get("traceparent"); len(traceparent) > 0 {
			set(&object.Request.SetHeaders, "X-Seen-Traceparent", traceparent[0])
		}
	}
	return nil
}

// checkKey (CustomKeyCheck) turns the key of the Authorization header into a session, or answers 401.
func checkKey(_ context.Context, object *coprocess.Object) error {
	config, err := configOf(object)
	if err != nil {
		return err
	}
	token := strings.TrimPrefix(object.Request.Headers["Authorization"], "Bearer ")
	key, known := config.Keys[token]
	if !known {
		object.Request.ReturnOverrides.ResponseCode = 401
		object.Request.ReturnOverrides.ResponseError = "Unknown key"
		return nil
	}
	object.Session = &coprocess.SessionState{
		Rate:             key.Rate,
		Per:              key.Per,
		QuotaMax:         key.QuotaMax,
		QuotaRenewalRate: key.QuotaRenewalRate,
		Metadata:         map[string]string{"plan": key.Plan},
	}
	// The name under which the gateway counts this caller's rate and quota.
	object.Metadata = map[string]string{"token": token}
	return nil
}

// showPlan (PostKeyAuth) tells the upstream which plan the caller is on.
func showPlan(_ context.Context, object *coprocess.Object) error {
	set(&object.Request.SetHeaders, "X-Plan", object.GetSession().GetMetadata()["plan"])
	object.Request.DeleteHeaders = append(object.Request.DeleteHeaders, "Authorization")
	return nil
}

// route (Post) serves paths that have moved, and adds a query parameter.
func route(_ context.Context, object *coprocess.Object) error {
	// A query in url would be ignored: it is changed through add_params and delete_params.
	object.Request.Url = strings.Replace(object.Request.Url, "/old/", "/new/", 1)
	set(&object.Request.AddParams, "via", "go")
	return nil
}

var cardNumber = regexp.MustCompile(`\b\d{12}(\d{4})\b`)

// mask (Response) hides all but the last four digits of card numbers, and says how many it has hidden.
func mask(_ context.Context, object *coprocess.Object) error {
	response := object.Response
	found := len(cardNumber.FindAllIndex(response.RawBody, -1))
	// Of the two bodies only raw_body counts on the way back.
	response.RawBody = cardNumber.ReplaceAll(response.RawBody, []byte("************$1"))
	set(&response.Headers, "X-Masked", strconv.Itoa(found))
	return nil
}

// set adds an entry to a map that came off the wire: there an empty map is nil.
func set(entries *map[string]string, name, value string) {
	if *entries == nil {
		*entries = map[string]string{}
	}
	(*entries)[name] = value
}
