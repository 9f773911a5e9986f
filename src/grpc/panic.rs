//! A panic in a call is an answer to that call, and nothing else.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use tonic::Status;

use super::status;

/// Runs the future to its end, or to its panic.
///
/// What the future had borrowed is gone with it, so nobody sees it half changed; what is shared with other calls is
/// behind locks of its own.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Status> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(of(&*panic))),
    })
    .await
}

/// What the client sees of a panic.
pub fn of(panic: &(dyn Any + Send)) -> Status {
    let words = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned());
    status::internal(&format_args!("panic: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        assert_eq!(caught(async { 1 }).await.unwrap(), 1);
        let status = caught(async {
            tokio::task::yield_now().await;
            panic!("with a secret");
        })
        .await
        .map(|(): ()| ())
        .unwrap_err();
        assert_eq!(status.code(), tonic::Code::Internal);
        assert!(!status.message().contains("secret"));
    }
}
