//! What does each lesson promise? One contract per step; a step keeps those of the steps before it too.

use crate::Promise;

/// Names of methods that promises use.
pub(crate) mod methods {
    /// No server has it.
    pub const UNKNOWN: &str = "no/such/method";
}

pub mod ended;
pub mod step1;
pub mod step2;
pub mod step3;
pub mod step4;
pub mod step5;
pub mod step6;
pub mod step7;
pub mod step8;
pub mod step9;

/// The contract of a lesson; empty if there is no such lesson.
#[must_use]
pub fn of(lesson: u8) -> Vec<&'static Promise> {
    let lists: &[&'static [Promise]] = match lesson {
        1 => &[step1::PROMISES],
        2 => step2::PARTS,
        3 => &[step3::PROMISES],
        4 => &[step4::PROMISES],
        5 => step5::PARTS,
        6 => step6::PARTS,
        7 => step7::PARTS,
        8 => step8::PARTS,
        9 => &[step9::PROMISES, step9::SIGNED],
        _ => &[],
    };
    lists.iter().copied().flatten().collect()
}
