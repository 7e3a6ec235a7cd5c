//! From a story that fails to a shorter one that still fails.

/// The shortest list found, by leaving out ever smaller pieces of `items`, for which `fails` still holds. `fails` is asked
/// at most `budget` times.
pub(crate) fn shrink<T: Clone>(
    items: Vec<T>,
    mut budget: u32,
    mut fails: impl FnMut(&[T]) -> bool,
) -> Vec<T> {
    let mut items = items;
    let mut size = items.len().div_ceil(2).max(1);
    while !items.is_empty() {
        let (mut start, mut is_shorter) = (0, false);
        while start < items.len() {
            if budget == 0 {
                return items;
            }
            budget -= 1;
            let end = (start + size).min(items.len());
            let rest = [&items[..start], &items[end..]].concat();
            if fails(&rest) {
                (items, is_shorter) = (rest, true);
            } else {
                start = end;
            }
        }
        match (size, is_shorter) {
            (1, false) => break,
            (1, true) => {}
            _ => size = size.div_ceil(2),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_part_in_a_failure_is_left_out() {
        let all = (0..40).collect::<Vec<_>>();
        let needed = [3, 17, 38];
        let fails = |kept: &[i32]| needed.iter().all(|item| kept.contains(item));
        assert_eq!(shrink(all.clone(), 1000, fails), needed);
        assert_eq!(shrink(all.clone(), 1000, |kept| kept.contains(&7)), [7]);
        assert_eq!(shrink(all, 1000, |_| true), Vec::<i32>::new());
    }

    #[test]
    fn the_budget_is_kept() {
        let mut asked = 0;
        let rest = shrink((0..100).collect::<Vec<_>>(), 5, |_| {
            asked += 1;
            false
        });
        assert_eq!((rest.len(), asked), (100, 5));
    }
}
