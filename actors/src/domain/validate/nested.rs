//! Nested values that a step behind does not reach.

use super::Part;
use crate::component::Findings;

/// Warns where a step looks at the first level of attributes only, and a step in front of it sets nested ones.
///
/// `steps` are the parts of a pipeline in the order in which records pass them.
pub(super) fn check(steps: &[Part<'_>], findings: &mut Findings) {
    for (index, part) in steps.iter().enumerate() {
        let Some(does) = part.registered.component().leaves_nested(&part.settings) else { continue };
        let meet = |earlier: &&Part<'_>| part.signals.iter().any(|signal| earlier.signals.contains(signal));
        let mut earlier = steps.iter().take(index).filter(meet);
        if let Some(nests) = earlier.find(|earlier| earlier.registered.component().nests(&earlier.settings)) {
            let message = format!(
                "{does}, not what is in mappings and lists: set `flatten` of {} in front of it, and they become attributes",
                nests.at
            );
            findings.warnings.add(part.field(""), "nested", message);
        }
    }
}
