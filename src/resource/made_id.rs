//! Ids that the service makes: they sort by time, and within a moment by the order of writes.

use jiff::Timestamp;

use crate::{
    model::{name::Id, rejection::Rejection},
    store::Sequence,
};

/// An id that sorts by time: a UUID of version 7. Among those of a millisecond the order of writes decides, which comes
/// where the layout has its counter; the rest is chance.
pub(crate) fn make_id(time: Timestamp, sequence: Sequence, random: [u8; 4]) -> Result<Id, Rejection> {
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap_or(0);
    // 74 bits are free: 12 behind the version, 6 beside the variant, then bytes. The counter has the first 42.
    let [.., low, lower, lowest] = sequence.to_be_bytes();
    let [a, b, c, d] = random;
    let (high, middle, beside) = ((sequence >> 38) as u8, (sequence >> 30) as u8, (sequence >> 24) as u8);
    let free = [high, middle, beside, low, lower, lowest, a, b, c, d];
    Id::parse(&uuid::Builder::from_unix_timestamp_millis(milliseconds, &free).into_uuid().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_sort_by_time_and_within_a_millisecond_by_the_order_of_writes() {
        let check = |earlier: (i64, Sequence), later: (i64, Sequence)| {
            let made = |(milliseconds, sequence): (i64, Sequence), random| {
                let time = Timestamp::from_millisecond(milliseconds).unwrap();
                make_id(time, sequence, random).unwrap()
            };
            let (first, second) = (made(earlier, [255; 4]), made(later, [0; 4]));
            assert!(first < second, "{earlier:?} {later:?}: {first} {second}");
            let uuid = uuid::Uuid::parse_str(second.as_str()).unwrap();
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        };
        const NOW: i64 = 1_767_225_600_000;
        check((NOW, 900), (NOW + 1, 7));
        for shift in 0..41 {
            check((NOW, (1 << shift) - 1), (NOW, 1 << shift));
            check((NOW, 1 << shift), (NOW, (1 << shift) + 1));
        }
        let made = |random| make_id(Timestamp::from_millisecond(NOW).unwrap(), 1, random).unwrap();
        assert_ne!(made([0; 4]), made([1; 4]), "what was only rehearsed has its own");
    }
}
