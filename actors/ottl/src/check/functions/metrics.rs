//! Editors of metrics and their points.

use crate::{
    check::{
        field::Holds,
        signature::{Function, Kind, Parameter, Run, may, needs, runs},
    },
    eval::functions::{aggregate, histograms, metrics},
};

const fn editor(name: &'static str, parameters: &'static [Parameter], run: Run) -> Function {
    runs(name, parameters, Holds::Anything, run)
}

const SUFFIX: Parameter = may("Suffix", Kind::LiteralText);
const TEMPORALITY: Parameter = needs("StringAggTemp", Kind::LiteralText);
const MONOTONIC: Parameter = needs("Monotonic", Kind::LiteralBool);

pub(super) const OF_METRICS: &[Function] = &[
    editor(
        "aggregate_on_attribute_value",
        &[
            needs("AggregationFunction", Kind::LiteralText),
            needs("Attribute", Kind::LiteralText),
            needs("Values", Kind::LiteralTexts),
            needs("NewValue", Kind::LiteralText),
        ],
        aggregate::on_attribute_value,
    )
    .valid(aggregate::valid_function),
    editor(
        "aggregate_on_attributes",
        &[needs("AggregationFunction", Kind::LiteralText), may("Attributes", Kind::LiteralTexts)],
        aggregate::on_attributes,
    )
    .valid(aggregate::valid_function),
    editor(
        "convert_exponential_histogram_to_histogram",
        &[needs("DistributionFn", Kind::LiteralText), needs("ExplicitBounds", Kind::LiteralFloats)],
        histograms::convert_exponential,
    )
    .valid(histograms::valid_distribution),
    editor("convert_gauge_to_sum", &[TEMPORALITY, MONOTONIC], metrics::convert_gauge_to_sum)
        .valid(metrics::valid_temporality),
    editor("convert_sum_to_gauge", &[], metrics::convert_sum_to_gauge),
    editor(
        "convert_summary_quantile_val_to_gauge",
        &[may("AttributeKey", Kind::LiteralText), SUFFIX],
        metrics::convert_summary_quantile_val_to_gauge,
    ),
    editor(
        "copy_metric",
        &[may("Name", Kind::Text), may("Description", Kind::Text), may("Unit", Kind::Text)],
        metrics::copy_metric,
    ),
    editor("extract_count_metric", &[MONOTONIC, SUFFIX], metrics::extract_count_metric),
    editor(
        "extract_percentile_metric",
        &[needs("Percentile", Kind::LiteralFloat), SUFFIX],
        histograms::extract_percentile_metric,
    )
    .valid(histograms::valid_percentile)
    .newer(),
    editor("extract_sum_metric", &[MONOTONIC, SUFFIX], metrics::extract_sum_metric),
    editor("scale_metric", &[needs("Multiplier", Kind::LiteralFloat), may("Unit", Kind::Text)], metrics::scale_metric),
];

pub(super) const OF_POINTS: &[Function] = &[
    editor(
        "convert_summary_count_val_to_sum",
        &[TEMPORALITY, MONOTONIC, SUFFIX],
        metrics::convert_summary_count_val_to_sum,
    )
    .valid(metrics::valid_temporality),
    editor(
        "convert_summary_sum_val_to_sum",
        &[TEMPORALITY, MONOTONIC, SUFFIX],
        metrics::convert_summary_sum_val_to_sum,
    )
    .valid(metrics::valid_temporality),
    editor(
        "merge_histogram_buckets",
        &[needs("TargetValue", Kind::FloatLike), may("Method", Kind::LiteralText).newer()],
        histograms::merge_histogram_buckets,
    )
    .valid(histograms::valid_merge),
];
