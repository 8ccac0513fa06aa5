//! The order in which candidates run: in each round another one begins, and each follows another one.
//!
//! Candidates that take turns share whatever the machine does meanwhile. The first place moves on with each round, and so
//! does the step from one candidate to the next, so that nobody always runs behind the same neighbour, whose pages and
//! files are still warm, or whose memory the kernel is still tidying up.

/// The order of round `round` among `candidates` candidates, as indices: A B C D E, B D A C E, C A D B E … Two take turns.
pub fn order(round: usize, candidates: usize) -> impl Iterator<Item = usize> {
    // A step that shares no factor with their number comes by each of them once.
    let steps = (1..candidates.max(2)).filter(|step| common_factor(*step, candidates) == 1);
    let step = steps.clone().nth(round % steps.count().max(1)).unwrap_or(1);
    (0..candidates).map(move |place| (round + place * step) % candidates)
}

/// The greatest common divisor (Euclid).
fn common_factor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_factor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_runs_once_a_round_and_first_in_turn() {
        for candidates in 1..20 {
            for round in 0..50 {
                let order: Vec<usize> = order(round, candidates).collect();
                assert_eq!(order[0], round % candidates);
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(
                    sorted,
                    (0..candidates).collect::<Vec<_>>(),
                    "{candidates} in round {round}: {order:?}"
                );
            }
        }
        assert_eq!(order(7, 0).count(), 0);
        assert_eq!(order(1, 2).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn nobody_always_follows_the_same_neighbour() {
        let before: Vec<usize> = (0..5)
            .map(|round| {
                let order: Vec<usize> = order(round, 13).collect();
                order[(order.iter().position(|it| *it == 0).unwrap() + 12) % 13]
            })
            .collect();
        assert_eq!(before, [12, 11, 10, 9, 8]);
    }
}
