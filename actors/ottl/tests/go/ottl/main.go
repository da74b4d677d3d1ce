// Command ottl writes what the filter and the transform processor of the collector do to telemetry. It reads a fixture,
// whose first line is the telemetry and each other one a case, and writes it again with what the processors did in place
// of what was there. Run it from this directory as `go run . <../../fixtures/ottl/logs.jsonl`.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// entry is a case, and what becomes of the telemetry in it.
type entry struct {
	// Processor is "filter" or "transform".
	Processor string `json:"processor"`
	// Context is that of the texts; empty where it is to be found out.
	Context string `json:"context,omitempty"`
	// Texts are statements, or the conditions of a filter.
	Texts []string `json:"texts"`
	// Refused is set when the configuration is.
	Refused bool `json:"refused,omitempty"`
	// Errors is set when one was ignored.
	Errors bool `json:"errors,omitempty"`
	// Changes are the fields that are others than before a transformation, by their place; null for those that are gone, which
	// stand for all that was in them.
	Changes map[string]any `json:"changes,omitempty"`
	// Left are the names and bodies of what a filter leaves, and the attribute "a" of points, in the order of their places.
	Left []any `json:"left,omitempty"`
}

// signal is what the names of a kind of telemetry are in configurations.
type signal struct {
	section, statements string
	records             map[string]string
}

var signals = map[string]signal{
	"resourceLogs": {"logs", "log_statements", map[string]string{"resource": "resource", "log": "log_record"}},
	"resourceSpans": {"traces", "trace_statements", map[string]string{
		"resource": "resource", "span": "span", "spanevent": "spanevent",
	}},
	"resourceMetrics": {"metrics", "metric_statements", map[string]string{
		"resource": "resource", "metric": "metric", "datapoint": "datapoint",
	}},
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	if !in.Scan() {
		log.Fatal("there is no telemetry")
	}
	telemetry := append([]byte(nil), in.Bytes()...)
	fmt.Println(string(telemetry))
	var document map[string]any
	check(json.Unmarshal(telemetry, &document))
	before := map[string]any{}
	flatten("", document, before)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var e entry
		check(json.Unmarshal(in.Bytes(), &e))
		e.Refused, e.Errors, e.Changes, e.Left = false, false, nil, nil
		for name := range document {
			e.look(signals[name], telemetry, before)
		}
		check(out.Encode(e))
	}
}

// named is where the fields stand by which records are told apart.
var named = regexp.MustCompile("/(name|body/stringValue|dataPoints/[0-9]+/attributes/a/stringValue)$")

// look runs the processor of a case.
func (e *entry) look(s signal, telemetry []byte, before map[string]any) {
	config := map[string]any{"error_mode": "ignore"}
	factory := transformprocessor.NewFactory()
	if e.Processor == "filter" {
		factory = filterprocessor.NewFactory()
		config[s.section] = map[string]any{s.records[e.Context]: e.Texts}
	} else {
		group := map[string]any{"statements": e.Texts}
		if e.Context != "" {
			group["context"] = e.Context
		}
		config[s.statements] = []any{group}
	}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), heard{&e.Errors}, zap.WarnLevel)
	settings := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	settings.Logger = zap.New(core)
	after, err := run(factory, settings, config, s.section, telemetry)
	if err != nil {
		e.Refused = true
		return
	}
	var document any
	check(json.Unmarshal(after, &document))
	now := map[string]any{}
	flatten("", document, now)
	if e.Processor == "filter" {
		for _, place := range slices.Sorted(maps.Keys(now)) {
			if named.MatchString(place) {
				e.Left = append(e.Left, now[place])
			}
		}
		return
	}
	e.Changes = map[string]any{}
	still := map[string]bool{}
	for place := range now {
		for _, part := range parts(place) {
			still[part] = true
		}
	}
	for place := range before {
		for _, part := range parts(place) {
			if !still[part] {
				e.Changes[part] = nil
				break
			}
		}
	}
	for place, value := range now {
		if !reflect.DeepEqual(before[place], value) {
			e.Changes[place] = value
		}
	}
}

// run gives what the processor passes on, as JSON, or why there is no such processor.
func run(factory processor.Factory, settings processor.Settings, raw map[string]any, section string, telemetry []byte) ([]byte, error) {
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(raw).Unmarshal(config); err != nil {
		return nil, err
	}
	if err := config.(interface{ Validate() error }).Validate(); err != nil {
		return nil, err
	}
	ctx := context.Background()
	// Nothing is passed on when all is dropped.
	passed := []byte("{}")
	keep := func(written []byte, err error) error {
		passed = written
		return err
	}
	var err error
	switch section {
	case "logs":
		next, _ := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
			return keep((&plog.JSONMarshaler{}).MarshalLogs(logs))
		})
		var p processor.Logs
		if p, err = factory.CreateLogs(ctx, settings, config, next); err == nil {
			logs := must((&plog.JSONUnmarshaler{}).UnmarshalLogs(telemetry))
			check(p.ConsumeLogs(ctx, logs))
		}
	case "metrics":
		next, _ := consumer.NewMetrics(func(_ context.Context, metrics pmetric.Metrics) error {
			return keep((&pmetric.JSONMarshaler{}).MarshalMetrics(metrics))
		})
		var p processor.Metrics
		if p, err = factory.CreateMetrics(ctx, settings, config, next); err == nil {
			metrics := must((&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(telemetry))
			check(p.ConsumeMetrics(ctx, metrics))
		}
	case "traces":
		next, _ := consumer.NewTraces(func(_ context.Context, traces ptrace.Traces) error {
			return keep((&ptrace.JSONMarshaler{}).MarshalTraces(traces))
		})
		var p processor.Traces
		if p, err = factory.CreateTraces(ctx, settings, config, next); err == nil {
			traces := must((&ptrace.JSONUnmarshaler{}).UnmarshalTraces(telemetry))
			check(p.ConsumeTraces(ctx, traces))
		}
	}
	return passed, err
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// flatten puts the leaves of a document into a map by their place. Attributes have their key for a place, so that their
// order, which Go does not keep, is none.
func flatten(place string, value any, into map[string]any) {
	switch value := value.(type) {
	case map[string]any:
		for name, field := range value {
			flatten(place+"/"+name, field, into)
		}
	case []any:
		for i, item := range value {
			name := fmt.Sprint(i)
			if attribute, ok := item.(map[string]any); ok && attribute["key"] != nil {
				name, item = fmt.Sprint(attribute["key"]), attribute["value"]
				if held, ok := item.(map[string]any); !ok || len(held) == 0 {
					into[place+"/"+name] = map[string]any{}
				}
			}
			flatten(place+"/"+name, item, into)
		}
	default:
		into[place] = value
	}
}

// parts are the places in which a place is, the widest first, and the place itself.
func parts(place string) (parts []string) {
	for i := range place[1:] {
		if place[i+1] == '/' {
			parts = append(parts, place[:i+1])
		}
	}
	return append(parts, place)
}

// heard notes that something was logged.
type heard struct{ errors *bool }

func (h heard) Write(line []byte) (int, error) {
	*h.errors = true
	return len(line), nil
}

func (heard) Sync() error { return nil }
