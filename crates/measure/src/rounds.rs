//! The order in which candidates run: A B C, B C A, C A B …
//!
//! Candidates that take turns share whatever the machine does meanwhile. The first place moves on with each round,
//! so that nobody always runs behind the same neighbour, whose pages and files are still warm.

/// The order of round `round` among `candidates` candidates, as indices.
pub fn order(round: usize, candidates: usize) -> impl Iterator<Item = usize> {
    (0..candidates).map(move |place| (place + round) % candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_runs_once_a_round_and_first_in_turn() {
        assert_eq!(order(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(order(1, 3).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(order(5, 3).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(order(7, 0).count(), 0);
    }
}
