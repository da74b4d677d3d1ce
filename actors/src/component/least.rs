//! The least version of each runtime that takes what is rendered.
//!
//! **What the numbers are.** For otelcol, the release in which the newest of the fields and functions that are rendered
//! appeared, by the changelogs of the collector and of its contrib repository (read at 0.158.0); with a component that
//! did less before, the release from which it does what its module documentation says. For Alloy, the first release
//! whose sources (tags `v1.0.0` to `v1.18.0`) register every component and know every field; what depends on the
//! collector's code in it follows from the release of contrib that it was built with. Tests run 0.149.0 and 0.158.0 of
//! otelcol; older ones are known from the changelogs alone.
//!
//! **Two sources.** A component says in [`Component::least`] and [`Component::least_with`] what its own fields need. What
//! it shares with others is found in what it renders: a queue or a position on disk, a variable of the environment, the
//! functions of OTTL.
//!
//! Distributions that count their own way (`aws-otel-collector` 0.43) report a version that says little; so a version
//! that is too old is a warning and stops nothing.

use linkmesh_proto::api::collector::Runtime;

use super::{AlloyPart, Component, OtelcolPart, SettingsMap};
use crate::{
    domain::version::Version,
    render::{
        alloy::{Block, Expr, Statement},
        text::Text,
        yaml::Yaml,
    },
};

/// The least version of each runtime; `None` where nothing is known, or where it does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Least {
    /// Of otelcol.
    pub otelcol: Option<Version>,
    /// Of Alloy.
    pub alloy: Option<Version>,
}

/// What stands around every pipeline: `error_mode` of the filters that count what passes (0.73) works since 0.74.
const OTELCOL: Version = Version::new(0, 74);

/// The first Alloy, which asked for remote configs already.
const ALLOY: Version = Version::new(1, 0);

/// `create_directory` of `file_storage`.
const OTELCOL_STORAGE: Version = Version::new(0, 110);

/// `otelcol.storage.file`.
const ALLOY_STORAGE: Version = Version::new(1, 9);

/// `sys.env` and `string.format`, which were called `env` and `format` before.
const ALLOY_ENV: Version = Version::new(1, 4);

impl Least {
    /// What stands around every pipeline, and nothing more.
    pub const BASE: Self = Self { otelcol: Some(OTELCOL), alloy: Some(ALLOY) };

    /// Nothing is known.
    pub const UNKNOWN: Self = Self { otelcol: None, alloy: None };

    /// The second numbers of the versions of either: of otelcol 0, of Alloy 1.
    #[must_use]
    pub const fn since(otelcol: u16, alloy: u16) -> Self {
        Self { otelcol: Some(Version::new(0, otelcol)), alloy: Some(Version::new(1, alloy)) }
    }

    /// Of what runs on otelcol alone.
    #[must_use]
    pub const fn otelcol_since(otelcol: u16) -> Self {
        Self { otelcol: Some(Version::new(0, otelcol)), alloy: None }
    }

    /// Of what runs on Alloy alone.
    #[must_use]
    pub const fn alloy_since(alloy: u16) -> Self {
        Self { otelcol: None, alloy: Some(Version::new(1, alloy)) }
    }

    /// Of one runtime.
    #[must_use]
    pub const fn on(self, runtime: Runtime) -> Option<Version> {
        match runtime {
            Runtime::Otelcol => self.otelcol,
            Runtime::Alloy => self.alloy,
        }
    }

    /// What a component needs on otelcol with these settings, which are rendered as this part.
    #[must_use]
    pub fn on_otelcol(component: &dyn Component, settings: &SettingsMap, part: &OtelcolPart) -> Version {
        component.least_with(settings).otelcol.unwrap_or(OTELCOL).max(of_otelcol(part))
    }

    /// The same on Alloy.
    #[must_use]
    pub fn on_alloy(component: &dyn Component, settings: &SettingsMap, part: &AlloyPart) -> Version {
        component.least_with(settings).alloy.unwrap_or(ALLOY).max(of_alloy(part))
    }

    /// What a condition in OTTL needs on each.
    #[must_use]
    pub fn of_ottl(text: &str) -> Self {
        let otelcol = ottl(text).max(OTELCOL);
        Self { otelcol: Some(otelcol), alloy: Some(alloy_with(otelcol)) }
    }
}

fn of_otelcol(part: &OtelcolPart) -> Version {
    let mut least = if part.storage { OTELCOL_STORAGE } else { OTELCOL };
    let own = Some((part.kind.as_str(), &part.config));
    for (kind, config) in own.into_iter().chain(part.processors.iter().map(|(kind, config)| (kind.as_str(), config))) {
        if is_of_ottl(kind) {
            in_yaml(config, &mut |text| least = least.max(ottl(text)));
        }
    }
    least
}

fn of_alloy(part: &AlloyPart) -> Version {
    let mut least = ALLOY;
    for block in &part.blocks {
        if block.name == "otelcol.storage.file" {
            least = least.max(ALLOY_STORAGE);
        }
        let speaks_ottl = block.name.strip_prefix("otelcol.processor.").is_some_and(is_of_ottl);
        in_block(block, &mut |text| match text {
            Text::Env { .. } => least = least.max(ALLOY_ENV),
            Text::Plain(text) | Text::Secret(text) | Text::Verbatim(text) if speaks_ottl => {
                least = least.max(alloy_with(ottl(text)));
            }
            Text::Plain(_) | Text::Secret(_) | Text::Verbatim(_) => {}
        });
    }
    least
}

fn is_of_ottl(kind: &str) -> bool {
    matches!(kind, "filter" | "transform")
}

fn in_yaml(value: &Yaml, found: &mut impl FnMut(&str)) {
    match value {
        Yaml::Text(Text::Plain(text) | Text::Verbatim(text)) => found(text),
        Yaml::Seq(items) => items.iter().for_each(|item| in_yaml(item, found)),
        Yaml::Map(fields) => fields.iter().for_each(|(_, field)| in_yaml(field, found)),
        _ => {}
    }
}

fn in_block(block: &Block, found: &mut impl FnMut(&Text)) {
    for statement in &block.body {
        match statement {
            Statement::Attribute(_, value) => in_expr(value, found),
            Statement::Block(inner) => in_block(inner, found),
        }
    }
}

fn in_expr(value: &Expr, found: &mut impl FnMut(&Text)) {
    match value {
        Expr::Text(text) => found(text),
        Expr::Token(_) => {}
        Expr::Array(items) | Expr::Parts(items) => items.iter().for_each(|item| in_expr(item, found)),
        Expr::Object(fields) => fields.iter().for_each(|(_, field)| in_expr(field, found)),
    }
}

/// The second numbers of contrib and of the first Alloy that was built with it or a later one (`go.mod` of its tags).
const ALLOYS: &[(u16, u16)] = &[
    (96, 0),
    (99, 1),
    (102, 2),
    (105, 3),
    (108, 4),
    (112, 5),
    (116, 6),
    (119, 7),
    (122, 8),
    (125, 9),
    (128, 10),
    (134, 11),
    (139, 12),
    (142, 13),
    (147, 15),
    (153, 18),
];

/// The first Alloy after those whose contrib is known.
const NEXT_ALLOY: u16 = 19;

/// The first Alloy with the code of a release of contrib.
fn alloy_with(contrib: Version) -> Version {
    let known = ALLOYS.iter().find(|(minor, _)| contrib.minor <= *minor);
    Version::new(1, known.map_or(NEXT_ALLOY, |(_, alloy)| *alloy))
}

/// Functions of OTTL that are newer than [`OTELCOL`]: the second number of the release that they came with.
const FUNCTIONS: &[(u16, &[&str])] = &[
    (78, &["Log", "UUID"]),
    (79, &["FNV", "SHA1", "SHA256"]),
    (80, &["IsMap", "IsString"]),
    (81, &["Time"]),
    (82, &["Duration", "Len"]),
    (84, &["ExtractPatterns", "Hours", "Microseconds", "Milliseconds", "Minutes", "Nanoseconds", "Seconds"]),
    (85, &["UnixMicro", "UnixMilli", "UnixNano", "UnixSeconds"]),
    (86, &["Now", "TruncateTime"]),
    (88, &["Double"]),
    (89, &["IsBool"]),
    (90, &["IsDouble"]),
    (92, &["Hour"]),
    (93, &["flatten"]),
    (95, &["ParseCSV", "ParseKeyValue"]),
    (96, &["IsInt"]),
    (97, &["Base64Decode", "ParseXML"]),
    (98, &["String", "Unix"]),
    (99, &["IsList"]),
    (102, &["Day", "Minute", "Month", "Year"]),
    (103, &["URL", "append", "keep_matching_keys"]),
    (105, &["Hex", "IsRootSpan"]),
    (106, &["Format"]),
    (107, &["ExtractGrokPatterns", "MD5", "SHA512"]),
    (108, &["UserAgent"]),
    (109, &["Decode", "Sort"]),
    (111, &["GetXML", "InsertXML", "RemoveXML", "ToKeyValueString"]),
    (112, &["ConvertAttributesToElementsXML", "ConvertTextToElementsXML", "ParseSimplifiedXML"]),
    (113, &["SliceToMap"]),
    (117, &["Trim"]),
    (118, &["FormatTime", "Nanosecond", "Second"]),
    (120, &["ToCamelCase", "ToLowerCase", "ToSnakeCase", "ToUpperCase"]),
    (121, &["Weekday"]),
    (122, &["IsValidLuhn", "Murmur3Hash", "Murmur3Hash128"]),
    (126, &["HasPrefix", "HasSuffix", "ProfileID"]),
    (129, &["ContainsValue"]),
    (130, &["Keys", "ParseInt"]),
    (131, &["Values"]),
    (132, &["UUIDv7"]),
    (134, &["Index"]),
    (138, &["XXH3"]),
    (139, &["XXH128"]),
    // Under these names; 0.139 had others.
    (141, &["CommunityID", "ParseSeverity", "TrimPrefix", "TrimSuffix"]),
    (143, &["Bool"]),
    (145, &["delete_index"]),
    (146, &["IsInCIDR"]),
    (147, &["Base64Encode"]),
    (150, &["Coalesce"]),
    (155, &["stringify_all"]),
    (157, &["All", "Any", "Filter", "Find", "IsEmpty", "MapEach", "MapKeys", "Reduce", "When"]),
];

/// Escapes in texts mean what they mean now.
const ESCAPES: u16 = 94;

/// What the functions in a text of OTTL need; whether it is one is not asked.
fn ottl(text: &str) -> Version {
    let mut minor = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => {
                let end = end_of_text(rest);
                if rest.get(..end).is_some_and(|text| text.contains('\\')) {
                    minor = minor.max(ESCAPES);
                }
                end
            }
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (name, behind) = rest.split_at_checked(end).unwrap_or_default();
                // A name without arguments is a function that another one is given.
                if !behind.starts_with(['.', '[']) {
                    let known = FUNCTIONS.iter().find(|(_, names)| names.contains(&name));
                    minor = minor.max(known.map_or(0, |(minor, _)| *minor));
                }
                end
            }
            c => c.len_utf8(),
        };
        rest = rest.get(end.max(1)..).unwrap_or_default();
    }
    Version::new(0, minor)
}

/// Where the text literal ends with which `rest` begins.
fn end_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use linkmesh_ottl::{Condition, Context, Dialect};

    use super::*;

    #[test]
    fn functions_are_found_outside_of_texts_and_paths() {
        for (text, minor) in [
            ("", 0),
            ("set(attributes[\"a\"], \"b\")", 0),
            ("set(attributes[\"String(\"], Concat([\"IsEmpty(\"], \"\"))", 0),
            ("set(attributes[\"a\"], String(body)) where IsString(body)", 98),
            ("replace_pattern(body, \"a\", \"b\", SHA512)", 107),
            ("IsMatch(body, \"\\\\s\")", 94),
            ("IsMatch(body, \"IsEmpty(\\\") \") and IsList(body)", 99),
            ("body == \"not closed IsEmpty(", 0),
            ("é String(body) ü", 98),
            ("StringX(body) and Time.x", 0),
        ] {
            assert_eq!(ottl(text).minor, minor, "{text}");
        }
    }

    #[test]
    fn alloys_have_the_code_that_they_were_built_with() {
        for (contrib, alloy) in [(0, 0), (96, 0), (97, 1), (142, 13), (143, 15), (153, 18), (154, 19), (158, 19)] {
            assert_eq!(alloy_with(Version::new(0, contrib)), Version::new(1, alloy), "{contrib}");
        }
        assert!(ALLOYS.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        assert_eq!(Least::of_ottl("IsEmpty(body)"), Least::since(157, 19));
        assert_eq!(Least::of_ottl("body == \"x\""), Least::BASE);
    }

    /// What the reader of OTTL knows of 0.149 from its sources is what the changelogs say.
    #[test]
    fn functions_newer_than_0_149_are_those_that_it_lacks() {
        for (minor, names) in FUNCTIONS {
            for name in *names {
                let text = format!("{name}(body) == nil");
                let Ok(condition) = Condition::parse(&text, Dialect::filter(Context::Log)) else { continue };
                assert_eq!(!condition.lacking_in_0_149().is_empty(), *minor > 149, "{name}");
            }
        }
    }
}
