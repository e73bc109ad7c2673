//! Many measurements of one thing: the median, and how far they spread.

use std::fmt;

/// The middle, the least and the most.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Half of them are less.
    pub median: f64,
    /// The least of them.
    pub least: f64,
    /// The most of them.
    pub most: f64,
}

impl Figure {
    /// Of these; zero of none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let at = |place: usize| values.get(place).copied().unwrap_or_default();
        let median = match values.len() {
            0 => 0.0,
            even if even % 2 == 0 => f64::midpoint(at(middle - 1), at(middle)),
            _ => at(middle),
        };
        Self { median, least: at(0), most: at(values.len().saturating_sub(1)) }
    }
}

impl fmt::Display for Figure {
    /// The median, and from where to where in brackets; `{:.1}` for one digit after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Self { median, least, most } = self;
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two_in_the_middle() {
        assert_eq!(format!("{:.1}", Figure::of([3.0, 1.0, 2.0])), "2.0 (1.0–3.0)");
        assert_eq!(Figure::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Figure::of([]).median, 0.0);
    }
}
