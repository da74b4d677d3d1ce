//! The order of steps: one list of what several signals pass, and where in it filters end and processors begin.

use linkmesh_proto::api::catalogue::Role;

use super::parts::Part;

/// One order of the items of all lists that is the order of each; where they leave it open, `first` decides. `None` when
/// they contradict one another.
pub(super) fn merged<T: PartialEq + Clone, K: Ord>(lists: &[Vec<T>], first: impl Fn(&T) -> K) -> Option<Vec<T>> {
    let mut rest: Vec<&[T]> = lists.iter().map(Vec::as_slice).collect();
    let mut order = Vec::new();
    while rest.iter().any(|list| !list.is_empty()) {
        let waits = |item: &T| rest.iter().any(|list| list.iter().skip(1).any(|later| later == item));
        let heads = rest.iter().filter_map(|list| list.first()).filter(|head| !waits(head));
        let next = heads.min_by_key(|head| first(head))?.clone();
        for list in &mut rest {
            if let Some((head, after)) = list.split_first()
                && *head == next
            {
                *list = after;
            }
        }
        order.push(next);
    }
    Some(order)
}

/// Types of processors that let records through or not.
const DECIDE: &[&str] =
    &["filter", "probabilistic_sampler", "tail_sampling", "logdedup", "log_dedup", "ratelimit", "sampling"];

/// Steps as filters and, behind them, processors. The border stands where the fewest are on the wrong side of it.
pub(super) fn split(steps: &[Part], kind: impl Fn(&Part) -> String) -> (Vec<&Part>, Vec<&Part>) {
    let weigh = |part: &Part| match part.recognised.as_ref().map(|known| known.registered.role()) {
        Some(Role::Filter) => (10, 0),
        Some(_) => (0, 10),
        None if DECIDE.contains(&kind(part).as_str()) => (1, 0),
        None => (0, 1),
    };
    // What it costs to have a step behind the border, and in front of it.
    let costs: Vec<(usize, usize)> = steps.iter().map(weigh).collect();
    let cost = |border: &usize| {
        let in_front: usize = costs.iter().take(*border).map(|(_, cost)| cost).sum();
        let behind: usize = costs.iter().skip(*border).map(|(cost, _)| cost).sum();
        in_front + behind
    };
    let border = (0..=steps.len()).min_by_key(cost).unwrap_or_default();
    let (filters, processors) = steps.split_at(border);
    (filters.iter().collect(), processors.iter().collect())
}

#[cfg(test)]
mod tests {
    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn one_order_is_the_order_of_each() {
        let merged = |lists: &[&str]| {
            let lists: Vec<Vec<char>> = lists.iter().map(|list| chars(list)).collect();
            super::merged(&lists, |c| *c).map(String::from_iter)
        };
        assert_eq!(merged(&["abc", "bc", "ac"]), Some("abc".to_owned()));
        assert_eq!(merged(&["xz", "yz"]), Some("xyz".to_owned()));
        assert_eq!(merged(&["ab", "ba"]), None);
        assert_eq!(merged(&["", ""]), Some(String::new()));
    }
}
