//! Exponential histograms: the difference of two, also when scale or zero bucket changed between them.

use linkmesh_ottl::record::{Buckets, ExponentialHistogramPoint};

/// What a point counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    count: u64,
    sum: f64,
    zero_count: u64,
    zero_threshold: f64,
    scale: i32,
    positive: Buckets,
    negative: Buckets,
}

impl Histogram {
    pub(super) fn of(point: &ExponentialHistogramPoint) -> Self {
        Self {
            count: point.count,
            sum: point.sum.unwrap_or_default(),
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            scale: point.scale,
            positive: point.positive.clone(),
            negative: point.negative.clone(),
        }
    }

    /// Scale and zero threshold stay; least and greatest are not known of a difference.
    pub(super) fn put_into(self, point: &mut ExponentialHistogramPoint) {
        point.count = self.count;
        point.sum = point.sum.map(|sum| if sum.is_nan() { sum } else { self.sum });
        point.zero_count = self.zero_count;
        (point.positive, point.negative) = (self.positive, self.negative);
        (point.min, point.max) = (None, None);
    }

    /// What was added since `last`, which is made as coarse as this one; `None` after a reset.
    pub(super) fn since(&self, last: &mut Self) -> Option<Self> {
        if self.count < last.count || self.zero_threshold < last.zero_threshold || self.scale > last.scale {
            return None;
        }
        if self.zero_threshold > last.zero_threshold {
            // The greatest bucket that lies below the new threshold, at the last scale.
            let factor = std::f64::consts::LOG2_E * f64::from(last.scale).exp2();
            #[expect(clippy::cast_possible_truncation, reason = "what is out of range is at its end")]
            let bucket = i64::from(((self.zero_threshold.ln() * factor).ceil() - 1.0) as i32);
            last.zero_count = last.zero_count.wrapping_add(trim(&mut last.positive, bucket));
            last.zero_count = last.zero_count.wrapping_add(trim(&mut last.negative, bucket));
        }
        let zero_count = self.zero_count.wrapping_sub(last.zero_count);
        if self.scale < last.scale {
            let bits_lost = i64::from(last.scale) - i64::from(self.scale);
            last.scale = self.scale;
            last.positive = coarsen(&last.positive, bits_lost);
            last.negative = coarsen(&last.negative, bits_lost);
        }
        Some(Self {
            count: self.count - last.count,
            sum: self.sum - last.sum,
            zero_count,
            zero_threshold: self.zero_threshold,
            scale: self.scale,
            positive: difference(&self.positive, &last.positive)?,
            negative: difference(&self.negative, &last.negative)?,
        })
    }
}

/// Takes out the buckets up to one; what was in them.
fn trim(buckets: &mut Buckets, up_to: i64) -> u64 {
    let Ok(index) = usize::try_from(up_to - i64::from(buckets.offset)) else { return 0 };
    let trimmed = index.saturating_add(1).min(buckets.bucket_counts.len());
    let taken = buckets.bucket_counts.drain(..trimmed).fold(0, u64::wrapping_add);
    buckets.offset = buckets.offset.wrapping_add(i32::try_from(trimmed).unwrap_or(i32::MAX));
    taken
}

/// The same counts in buckets that are 2^bits times as wide.
fn coarsen(buckets: &Buckets, bits: i64) -> Buckets {
    let bits = bits.clamp(0, 63);
    let offset = i64::from(buckets.offset) >> bits;
    let mut out = Buckets { offset: i32::try_from(offset).unwrap_or_default(), bucket_counts: Vec::new() };
    for (bucket, count) in (i64::from(buckets.offset)..).zip(&buckets.bucket_counts) {
        // Not more buckets than before.
        let Ok(index) = usize::try_from((bucket >> bits) - offset) else { continue };
        if out.bucket_counts.len() <= index {
            out.bucket_counts.resize(index + 1, 0);
        }
        if let Some(known) = out.bucket_counts.get_mut(index) {
            *known = known.wrapping_add(*count);
        }
    }
    out
}

/// What was added, from the first bucket with more to the last one; `None` when one has less.
fn difference(buckets: &Buckets, last: &Buckets) -> Option<Buckets> {
    let mut out = Buckets::default();
    let at = |bucket: i64| {
        let index = usize::try_from(bucket - i64::from(last.offset)).ok()?;
        last.bucket_counts.get(index).copied()
    };
    for (bucket, count) in (i64::from(buckets.offset)..).zip(&buckets.bucket_counts).filter(|(_, count)| **count > 0) {
        let added = count.checked_sub(at(bucket).unwrap_or_default())?;
        if added == 0 {
            continue;
        }
        if out.bucket_counts.is_empty() {
            out.offset = i32::try_from(bucket).unwrap_or_default();
        }
        // Within the buckets of this histogram.
        let index = usize::try_from(bucket - i64::from(out.offset)).unwrap_or_default();
        out.bucket_counts.resize(index, 0);
        out.bucket_counts.push(added);
    }
    Some(out)
}
