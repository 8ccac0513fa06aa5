//! Every body over random input: the quick gate.

use heapwright_testkit::ops;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn script(script in ops(400)) {
        heapwright_fuzz::script(&script);
    }
}

#[test]
fn source() {
    (0..24).for_each(heapwright_fuzz::source);
}
