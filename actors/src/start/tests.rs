//! Everything together on fakes: what an operator does, and what two supervisors and an Alloy see of it.

mod delivery;
mod enrolment;
mod first_offer;
mod leaving;
mod offering;
mod polling;
mod saving;
mod secrets;
mod support;
mod tidying;
mod unrendered;
