//! Who calls. How that is found out is the business of `grpc`.

/// Who calls: what the audit trail keeps of every change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The author that the audit trail names: `anna@example.com`, or `anonymous`.
    pub author: String,
    /// The method called, `merit.v1.GoalService/CreateGoal`.
    pub method: String,
}
