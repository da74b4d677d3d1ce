//! Editors of metrics and their points.

use crate::check::{
    field::Holds,
    signature::{Function, Kind, Parameter, known, may, needs},
};

const SUFFIX: Parameter = may("Suffix", Kind::LiteralText);

pub(super) const OF_METRICS: &[Function] = &[
    known(
        "aggregate_on_attribute_value",
        &[
            needs("AggregationFunction", Kind::LiteralText),
            needs("Attribute", Kind::LiteralText),
            needs("Values", Kind::LiteralTexts),
            needs("NewValue", Kind::LiteralText),
        ],
        Holds::Anything,
    ),
    known(
        "aggregate_on_attributes",
        &[needs("AggregationFunction", Kind::LiteralText), may("Attributes", Kind::LiteralTexts)],
        Holds::Anything,
    ),
    known(
        "convert_exponential_histogram_to_histogram",
        &[needs("DistributionFn", Kind::LiteralText), needs("ExplicitBounds", Kind::LiteralFloats)],
        Holds::Anything,
    ),
    known(
        "convert_gauge_to_sum",
        &[needs("StringAggTemp", Kind::LiteralText), needs("Monotonic", Kind::LiteralBool)],
        Holds::Anything,
    ),
    known("convert_sum_to_gauge", &[], Holds::Anything),
    known("convert_summary_quantile_val_to_gauge", &[may("AttributeKey", Kind::LiteralText), SUFFIX], Holds::Anything),
    known(
        "copy_metric",
        &[may("Name", Kind::Text), may("Description", Kind::Text), may("Unit", Kind::Text)],
        Holds::Anything,
    ),
    known("extract_count_metric", &[needs("Monotonic", Kind::LiteralBool), SUFFIX], Holds::Anything),
    known("extract_percentile_metric", &[needs("Percentile", Kind::LiteralFloat), SUFFIX], Holds::Anything).newer(),
    known("extract_sum_metric", &[needs("Monotonic", Kind::LiteralBool), SUFFIX], Holds::Anything),
    known("scale_metric", &[needs("Multiplier", Kind::LiteralFloat), may("Unit", Kind::Text)], Holds::Anything),
];

pub(super) const OF_POINTS: &[Function] = &[
    known(
        "convert_summary_count_val_to_sum",
        &[needs("StringAggTemp", Kind::LiteralText), needs("Monotonic", Kind::LiteralBool), SUFFIX],
        Holds::Anything,
    ),
    known(
        "convert_summary_sum_val_to_sum",
        &[needs("StringAggTemp", Kind::LiteralText), needs("Monotonic", Kind::LiteralBool), SUFFIX],
        Holds::Anything,
    ),
    known(
        "merge_histogram_buckets",
        &[needs("TargetValue", Kind::FloatLike), may("Method", Kind::LiteralText).newer()],
        Holds::Anything,
    ),
];
