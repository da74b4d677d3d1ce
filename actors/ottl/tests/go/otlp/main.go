// Command otlp writes telemetry in which every field is set at least once, as the collector's file exporter does: one
// document a line. Run it from this module as `go run ./otlp <directory>`.
package main

import (
	"log"
	"math"
	"os"
	"path/filepath"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
)

const start, end = pcommon.Timestamp(1_700_000_000_123_456_789), pcommon.Timestamp(math.MaxUint64)

var (
	traceID = pcommon.TraceID{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c}
	spanID  = pcommon.SpanID{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74}
	doubles = []float64{0, math.Copysign(0, -1), 1, -2, 0.1, 1e-7, 123456.789, 1e15, 1 << 62, 1e19, 1e20, 1e21, 1e22,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi, math.NaN(), math.Inf(1), math.Inf(-1)}
)

// attributes sets one of each type, nested and empty ones too.
func attributes(m pcommon.Map) {
	m.PutStr("text", "a \"b\" <c> \u00e9 \u2028 \U0001F600 \t\x01")
	m.PutStr("empty text", "")
	m.PutBool("yes", true)
	m.PutBool("no", false)
	m.PutInt("largest", math.MaxInt64)
	m.PutInt("smallest", math.MinInt64)
	m.PutInt("zero", 0)
	m.PutEmpty("nothing")
	m.PutEmptyBytes("octets").FromRaw([]byte{0, 1, 0xfb, 0xff})
	m.PutEmptyBytes("no octets")
	list := m.PutEmptySlice("doubles")
	for _, d := range doubles {
		list.AppendEmpty().SetDouble(d)
	}
	m.PutEmptySlice("empty list")
	inner := m.PutEmptyMap("map")
	inner.PutEmptySlice("list").AppendEmpty().SetEmptyMap().PutInt("deep", 1)
	inner.PutEmpty("")
	m.PutEmptyMap("empty map")
}

func resource(r pcommon.Resource) {
	attributes(r.Attributes())
	r.SetDroppedAttributesCount(math.MaxUint32)
	e := entity.ResourceEntityRefs(r).AppendEmpty()
	e.SetSchemaUrl("https://example.com/entity")
	e.SetType("host")
	e.IdKeys().Append("text", "zero")
	e.DescriptionKeys().Append("yes")
	entity.ResourceEntityRefs(r).AppendEmpty()
}

func scope(s pcommon.InstrumentationScope) {
	s.SetName("library")
	s.SetVersion("1.2.3")
	s.Attributes().PutStr("short", "s")
	s.SetDroppedAttributesCount(1)
}

func logs() []plog.Logs {
	full, bare := plog.NewLogs(), plog.NewLogs()
	r := full.ResourceLogs().AppendEmpty()
	resource(r.Resource())
	r.SetSchemaUrl("https://example.com/resource")
	s := r.ScopeLogs().AppendEmpty()
	scope(s.Scope())
	s.SetSchemaUrl("https://example.com/scope")
	l := s.LogRecords().AppendEmpty()
	l.SetTimestamp(start)
	l.SetObservedTimestamp(end)
	l.SetSeverityNumber(plog.SeverityNumberWarn2)
	l.SetSeverityText("WARN")
	l.Body().SetStr("what happened")
	attributes(l.Attributes())
	l.SetDroppedAttributesCount(2)
	l.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	l.SetTraceID(traceID)
	l.SetSpanID(spanID)
	l.SetEventName("event")
	attributes(s.LogRecords().AppendEmpty().Body().SetEmptyMap())
	s.LogRecords().AppendEmpty()
	r.ScopeLogs().AppendEmpty()
	full.ResourceLogs().AppendEmpty()
	bare.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("next")
	return []plog.Logs{full, bare}
}

func exemplars(s pmetric.ExemplarSlice) {
	e := s.AppendEmpty()
	e.FilteredAttributes().PutStr("filtered", "f")
	e.SetTimestamp(start)
	e.SetDoubleValue(1.5)
	e.SetTraceID(traceID)
	e.SetSpanID(spanID)
	s.AppendEmpty().SetIntValue(-1)
	s.AppendEmpty()
}

func metrics() []pmetric.Metrics {
	full, bare := pmetric.NewMetrics(), pmetric.NewMetrics()
	r := full.ResourceMetrics().AppendEmpty()
	resource(r.Resource())
	r.SetSchemaUrl("https://example.com/resource")
	s := r.ScopeMetrics().AppendEmpty()
	scope(s.Scope())
	s.SetSchemaUrl("https://example.com/scope")
	add := func(name string) pmetric.Metric {
		m := s.Metrics().AppendEmpty()
		m.SetName(name)
		m.SetDescription("what it measures")
		m.SetUnit("By")
		m.Metadata().PutStr("more", "m")
		return m
	}

	gauge := add("gauge").SetEmptyGauge()
	for _, d := range doubles {
		gauge.DataPoints().AppendEmpty().SetDoubleValue(d)
	}
	n := gauge.DataPoints().AppendEmpty()
	attributes(n.Attributes())
	n.SetStartTimestamp(start)
	n.SetTimestamp(end)
	n.SetIntValue(math.MinInt64)
	exemplars(n.Exemplars())
	gauge.DataPoints().AppendEmpty().SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))

	sum := add("sum").SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	sum.SetIsMonotonic(true)
	sum.DataPoints().AppendEmpty().SetIntValue(0)
	add("empty sum").SetEmptySum()

	histogram := add("histogram").SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	h := histogram.DataPoints().AppendEmpty()
	h.Attributes().PutStr("short", "s")
	h.SetStartTimestamp(start)
	h.SetTimestamp(end)
	h.SetCount(math.MaxUint64)
	h.SetSum(0)
	h.SetMin(-0.5)
	h.SetMax(math.Inf(1))
	h.BucketCounts().FromRaw([]uint64{0, 1, math.MaxUint64})
	h.ExplicitBounds().FromRaw([]float64{0, 2.5})
	h.SetFlags(1)
	exemplars(h.Exemplars())
	histogram.DataPoints().AppendEmpty()

	exponential := add("exponential histogram").SetEmptyExponentialHistogram()
	exponential.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	x := exponential.DataPoints().AppendEmpty()
	x.Attributes().PutStr("short", "s")
	x.SetStartTimestamp(start)
	x.SetTimestamp(end)
	x.SetCount(7)
	x.SetSum(1.25)
	x.SetMin(-3)
	x.SetMax(3)
	x.SetScale(-4)
	x.SetZeroCount(2)
	x.SetZeroThreshold(1e-9)
	x.Positive().SetOffset(-1)
	x.Positive().BucketCounts().FromRaw([]uint64{1, 0, 2})
	x.Negative().SetOffset(3)
	x.Negative().BucketCounts().FromRaw([]uint64{2})
	x.SetFlags(1)
	exemplars(x.Exemplars())
	exponential.DataPoints().AppendEmpty()

	summary := add("summary").SetEmptySummary()
	y := summary.DataPoints().AppendEmpty()
	y.Attributes().PutStr("short", "s")
	y.SetStartTimestamp(start)
	y.SetTimestamp(end)
	y.SetCount(3)
	y.SetSum(4.5)
	y.SetFlags(1)
	q := y.QuantileValues().AppendEmpty()
	q.SetQuantile(0.99)
	q.SetValue(math.NaN())
	y.QuantileValues().AppendEmpty()
	summary.DataPoints().AppendEmpty()

	s.Metrics().AppendEmpty()
	r.ScopeMetrics().AppendEmpty()
	full.ResourceMetrics().AppendEmpty()
	bare.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetName("next")
	return []pmetric.Metrics{full, bare}
}

func traces() []ptrace.Traces {
	full, bare := ptrace.NewTraces(), ptrace.NewTraces()
	r := full.ResourceSpans().AppendEmpty()
	resource(r.Resource())
	r.SetSchemaUrl("https://example.com/resource")
	s := r.ScopeSpans().AppendEmpty()
	scope(s.Scope())
	s.SetSchemaUrl("https://example.com/scope")
	p := s.Spans().AppendEmpty()
	p.SetTraceID(traceID)
	p.SetSpanID(spanID)
	p.TraceState().FromRaw("a=1,b=2")
	p.SetParentSpanID(pcommon.SpanID{1})
	p.SetFlags(0x301)
	p.SetName("GET /")
	p.SetKind(ptrace.SpanKindClient)
	p.SetStartTimestamp(start)
	p.SetEndTimestamp(end)
	attributes(p.Attributes())
	p.SetDroppedAttributesCount(1)
	p.SetDroppedEventsCount(2)
	p.SetDroppedLinksCount(3)
	p.Status().SetCode(ptrace.StatusCodeError)
	p.Status().SetMessage("refused")
	e := p.Events().AppendEmpty()
	e.SetTimestamp(start)
	e.SetName("exception")
	e.Attributes().PutStr("short", "s")
	e.SetDroppedAttributesCount(4)
	p.Events().AppendEmpty()
	l := p.Links().AppendEmpty()
	l.SetTraceID(traceID)
	l.SetSpanID(spanID)
	l.TraceState().FromRaw("c=3")
	l.Attributes().PutStr("short", "s")
	l.SetDroppedAttributesCount(5)
	l.SetFlags(1)
	p.Links().AppendEmpty()
	s.Spans().AppendEmpty()
	r.ScopeSpans().AppendEmpty()
	full.ResourceSpans().AppendEmpty()
	bare.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName("next")
	return []ptrace.Traces{full, bare}
}

// write writes a document a line.
func write[T any](name string, documents []T, marshal func(T) ([]byte, error)) {
	var text []byte
	for _, document := range documents {
		line, err := marshal(document)
		if err != nil {
			log.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(os.Args[1], name), text, 0o644); err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: otlp <directory>")
	}
	write("logs.jsonl", logs(), new(plog.JSONMarshaler).MarshalLogs)
	write("metrics.jsonl", metrics(), new(pmetric.JSONMarshaler).MarshalMetrics)
	write("traces.jsonl", traces(), new(ptrace.JSONMarshaler).MarshalTraces)
}
