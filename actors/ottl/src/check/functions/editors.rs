//! Editors.

use crate::{
    check::{
        field::Holds,
        signature::{Function, Kind, Parameter, Run, may, needs, runs},
    },
    eval::functions::{editors, replace, semconv},
};

const fn editor(name: &'static str, parameters: &'static [Parameter], run: Run) -> Function {
    runs(name, parameters, Holds::Anything, run)
}

const TARGET_MAP: Parameter = needs("Target", Kind::MapPath);

pub(super) const ALL: &[Function] = &[
    editor(
        "append",
        &[needs("Target", Kind::Path), may("Value", Kind::Any), may("Values", Kind::Anys)],
        editors::append,
    )
    .valid(editors::valid_append),
    editor(
        "delete_index",
        &[needs("Target", Kind::ListPath), needs("StartIndex", Kind::Int), may("EndIndex", Kind::Int)],
        editors::delete_index,
    ),
    editor("delete_key", &[TARGET_MAP, needs("Key", Kind::Text)], editors::delete_key),
    editor("delete_matching_keys", &[TARGET_MAP, needs("Pattern", Kind::Regex)], editors::delete_matching_keys),
    editor(
        "flatten",
        &[
            TARGET_MAP,
            may("Prefix", Kind::LiteralText),
            may("Depth", Kind::LiteralInt),
            may("ResolveConflicts", Kind::LiteralBool),
        ],
        editors::flatten,
    )
    .valid(editors::valid_depth),
    editor("keep_keys", &[TARGET_MAP, needs("Keys", Kind::Texts)], editors::keep_keys),
    editor("keep_matching_keys", &[TARGET_MAP, needs("Pattern", Kind::Regex)], editors::keep_matching_keys),
    editor(
        "limit",
        &[TARGET_MAP, needs("Limit", Kind::LiteralInt), needs("PriorityKeys", Kind::LiteralTexts)],
        editors::limit,
    )
    .valid(editors::valid_limit),
    editor(
        "merge_maps",
        &[TARGET_MAP, needs("Source", Kind::Map), needs("Strategy", Kind::LiteralText)],
        editors::merge_maps,
    )
    .valid(editors::valid_strategy),
    editor(
        "replace_all_matches",
        &[
            TARGET_MAP,
            needs("Pattern", Kind::Glob),
            needs("Replacement", Kind::Text),
            may("Function", Kind::Function),
            may("ReplacementFormat", Kind::Text),
        ],
        replace::replace_all_matches,
    ),
    editor(
        "replace_all_patterns",
        &[
            TARGET_MAP,
            needs("Mode", Kind::LiteralText),
            needs("RegexPattern", Kind::Regex),
            needs("Replacement", Kind::Text),
            may("Function", Kind::Function),
            may("ReplacementFormat", Kind::Text),
        ],
        replace::replace_all_patterns,
    )
    .valid(replace::valid_mode),
    editor(
        "replace_match",
        &[
            needs("Target", Kind::Path),
            needs("Pattern", Kind::Glob),
            needs("Replacement", Kind::Text),
            may("Function", Kind::Function),
            may("ReplacementFormat", Kind::Text),
        ],
        replace::replace_match,
    ),
    editor(
        "replace_pattern",
        &[
            needs("Target", Kind::Path),
            needs("RegexPattern", Kind::Regex),
            needs("Replacement", Kind::Text),
            may("Function", Kind::Function),
            may("ReplacementFormat", Kind::Text),
        ],
        replace::replace_pattern,
    ),
    editor("set", &[needs("Target", Kind::Path), needs("Value", Kind::Any)], editors::set),
    editor("stringify_all", &[TARGET_MAP], editors::stringify_all).newer(),
    editor(
        "truncate_all",
        &[
            TARGET_MAP,
            needs("Limit", Kind::LiteralInt),
            may("Utf8Safe", Kind::LiteralBool),
            may("TruncationMarker", Kind::LiteralText).newer(),
        ],
        editors::truncate_all,
    )
    .valid(editors::valid_truncation),
];

pub(super) const OF_SPANS: &[Function] = &[editor(
    "set_semconv_span_name",
    &[needs("SemconvVersion", Kind::LiteralText), may("OriginalSpanNameAttribute", Kind::LiteralText)],
    semconv::set_span_name,
)
.valid(semconv::valid_version)];
