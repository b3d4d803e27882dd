//go:build tools

// Package jaeger pins the Jaeger that the tracing tests run against; nothing of it is imported.
package jaeger

import _ "github.com/jaegertracing/jaeger/cmd/jaeger"
