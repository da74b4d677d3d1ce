//! Takes out of scripts and style sheets what only people read. Deliberately plain: whole comment lines, indentation
//! and empty lines; the compression that follows takes the rest.

/// A script without its comment lines and indentation.
///
/// Works line by line, which is right for sources without template literals that span lines, as wasm-bindgen's output
/// and ours are.
pub(crate) fn script(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut in_comment = false;
    for line in source.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            in_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// A style sheet without comments and without the white space that carries no meaning.
pub(crate) fn style(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, comment)) = rest.split_once("/*") {
        squeeze(before, &mut out);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    squeeze(rest, &mut out);
    out
}

fn squeeze(text: &str, out: &mut String) {
    for word in text.split_ascii_whitespace() {
        let glued = out.is_empty() || out.ends_with(['{', '}', ';', ',']) || word.starts_with(['{', '}', ';']);
        if !glued {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_keeps_every_statement() {
        let source = "/**\n * doc\n */\nfunction f() {\n    // why\n    return 'a // b';\n}\n\n/* one line */\nf();\n";
        assert_eq!(script(source), "function f() {\nreturn 'a // b';\n}\nf();\n");
    }

    #[test]
    fn style_keeps_what_parts_selectors_and_values() {
        let source = "/* tokens */\n:root {\n  --s1: 4px;\n}\n.a .b > h3,\n.c { margin: 0 auto; }\n";
        assert_eq!(style(source), ":root{--s1: 4px;}.a .b > h3,.c{margin: 0 auto;}");
    }

    #[test]
    fn unfinished_comment_ends_the_sheet() {
        assert_eq!(style("a{b:c}/* d"), "a{b:c}");
    }
}
