//! Names of Unicode classes: `\pL`, `\p{Greek}`.
//!
//! Source: Go 1.26, `regexp/syntax`, `unicodeTable`; `unicode.Categories`, `unicode.CategoryAliases`, `unicode.Scripts`.

use std::sync::LazyLock;

use regex_syntax::Parser;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// General categories, as their names are after [`canonical`].
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Lc", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Other names of general categories.
const ALIASES: &[(&str, &str)] = &[
    ("Casedletter", "Lc"),
    ("Closepunctuation", "Pe"),
    ("Cntrl", "Cc"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Digit", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punct", "P"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Surrogate", "Cs"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
];

/// Scripts that Go knows by their names after [`canonical`]: those of one word. It makes one word of a name and looks that
/// up among names such as `Old_Italic`, so since 1.25 the others have no name that Go takes.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];

/// The characters that a name stands for.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) class: ClassUnicode,
    /// Whether `(?i)` adds what differs in case. Go has no table of that for the category of all letters with case, and then
    /// the one mark that goes with a letter in another case (U+0345) is not added.
    pub(super) folds: bool,
}

/// Looks a name up.
pub(super) fn named(name: &str) -> Option<Named> {
    let canonical = canonical(name);
    let range = |low, high| ClassUnicode::new([ClassUnicodeRange::new(low, high)]);
    let class = match canonical.as_str() {
        "Any" => range('\0', char::MAX),
        "Ascii" => range('\0', '\x7f'),
        "Assigned" => {
            let mut class = table("\\p{gc=Cn}")?;
            class.negate();
            class
        }
        // Surrogates are no characters of a text.
        "Cs" | "Surrogate" => ClassUnicode::empty(),
        script if SCRIPTS.contains(&script) => table(&format!("\\p{{Script={script}}}"))?,
        name => {
            let category = CATEGORIES.iter().find(|known| **known == name);
            let alias = || ALIASES.iter().find(|(known, _)| *known == name).map(|(_, category)| category);
            let category = category.or_else(alias)?;
            let class = table(&format!("\\p{{gc={category}}}"))?;
            return Some(Named { class, folds: *category != "Lc" });
        }
    };
    Some(Named { class, folds: true })
}

/// Upper case at the beginning and lower case behind, without underscores, hyphens and spaces.
fn canonical(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        canonical.push(if canonical.is_empty() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    }
    canonical
}

/// The characters of a class in the syntax of the regex crate.
fn table(class: &str) -> Option<ClassUnicode> {
    match Parser::new().parse(class).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // A class of one character.
        HirKind::Literal(one) => {
            let one = std::str::from_utf8(&one.0).ok()?.chars();
            Some(ClassUnicode::new(one.map(|c| ClassUnicodeRange::new(c, c))))
        }
        _ => None,
    }
}

/// Adds what differs in case only.
pub(super) fn fold(class: &mut ClassUnicode) {
    /// The characters that have another case. Folding goes through a class character by character, so it is done for these.
    static CASED: LazyLock<ClassUnicode> = LazyLock::new(|| {
        let cased = (0x41..=0x1_FFFF).filter_map(char::from_u32).filter(|c| {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(*c, *c)]);
            // Fails where the tables are left out of the build.
            class.try_case_fold_simple().is_ok() && class.ranges() != [ClassUnicodeRange::new(*c, *c)]
        });
        ClassUnicode::new(cased.map(|c| ClassUnicodeRange::new(c, c)))
    });
    const FEW: usize = 512;
    if class.ranges().iter().map(ClassUnicodeRange::len).sum::<usize>() <= FEW {
        let _ = class.try_case_fold_simple();
        return;
    }
    let mut cased = class.clone();
    cased.intersect(&CASED);
    let _ = cased.try_case_fold_simple();
    class.union(&cased);
}

/// All names, for tests.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let aliases = ALIASES.iter().map(|(name, _)| *name);
    CATEGORIES.iter().chain(SCRIPTS).copied().chain(aliases).chain(["Any", "ASCII", "Assigned"])
}
