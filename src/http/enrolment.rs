//! Enrolment tokens and `POST /enrol`.
