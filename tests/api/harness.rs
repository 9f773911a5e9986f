//! Starts a server in process, on a free port and in a directory of its own, and speaks to it: by typed clients, and by
//! requests that no proper client would make.

use std::{
    convert::Infallible,
    fs,
    future::Future,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use merit::{
    config::Config,
    evaluate::Evaluator,
    proto::v1::{
        self, audit_service_client::AuditServiceClient, crm_service_client::CrmServiceClient,
        evaluation_service_client::EvaluationServiceClient, goal_service_client::GoalServiceClient,
        organisation_service_client::OrganisationServiceClient, plugin_service_client::PluginServiceClient,
        server_service_client::ServerServiceClient, transfer_service_client::TransferServiceClient,
    },
    server::Server,
};
use prost::Message;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt;

/// Longer than anything takes on any machine.
const HOUR_MS: u64 = 3_600_000;

/// Longer than what is waited for takes on any machine.
const IN_TIME: Duration = Duration::from_secs(300);

/// How long a refusal of a call may be under way to its caller.
const SETTLES: Duration = Duration::from_millis(300);

/// A server at work.
pub struct Harness {
    pub address: SocketAddr,
    pub channel: Channel,
    pub evaluator: Evaluator,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), merit::store::Failed>>,
    directory: TempDir,
}

/// A body that comes bit by bit.
pub type Spoken = StreamBody<ReceiverStream<Result<Frame<Bytes>, Infallible>>>;

/// What came back to a request of our own making.
#[derive(Debug)]
pub struct Answer {
    pub http: StatusCode,
    /// Headers and trailers.
    pub metadata: HeaderMap,
}

/// A call under way.
pub struct Held {
    pub speaker: mpsc::Sender<Result<Frame<Bytes>, Infallible>>,
    pub call: JoinHandle<Result<Answer, hyper::Error>>,
    pub refusal: Answer,
}

// === impl Harness ===

impl Harness {
    /// A server with the defaults.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    /// A server over the data of one before.
    pub async fn start_in(directory: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(directory.path());
        change(&mut config);
        share_compiled(&config);
        let server = built(&config).await;
        let (address, evaluator) = (server.address(), server.evaluator());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.run(async {
            // A harness that is dropped stops the server too.
            let _ = stopped.await;
        }));
        let channel = channel(address);
        Self { address, channel, evaluator, stop: Some(stop), served, directory }
    }

    /// Where its data is.
    pub fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    /// A connection of its own.
    pub fn new_channel(&self) -> Channel {
        channel(self.address)
    }

    /// Tells the server to stop, without waiting for it.
    pub fn tell_to_stop(&mut self) {
        let _ = self.stop.take().expect("it is told once").send(());
    }

    /// Waits until the server has stopped, and answers its directory.
    pub async fn stopped(mut self) -> TempDir {
        if self.stop.is_some() {
            self.tell_to_stop();
        }
        self.served.await.unwrap().unwrap();
        self.directory
    }

    /// The file of a component or dataset.
    pub fn blob(&self, hash: &str) -> PathBuf {
        self.directory.path().join("data").join("blobs").join(hash)
    }

    /// Waits until the server has ended by itself, and answers why.
    pub async fn failed(self) -> merit::store::Failed {
        self.served.await.unwrap().unwrap_err()
    }

    pub fn organisation(&self) -> OrganisationServiceClient<Channel> {
        OrganisationServiceClient::new(self.channel.clone())
    }

    pub fn crm(&self) -> CrmServiceClient<Channel> {
        CrmServiceClient::new(self.channel.clone())
    }

    pub fn evaluations(&self) -> EvaluationServiceClient<Channel> {
        EvaluationServiceClient::new(self.channel.clone())
    }

    pub fn goals(&self) -> GoalServiceClient<Channel> {
        GoalServiceClient::new(self.channel.clone())
    }

    pub fn plugins(&self) -> PluginServiceClient<Channel> {
        PluginServiceClient::new(self.channel.clone())
    }

    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    pub fn server(&self) -> ServerServiceClient<Channel> {
        ServerServiceClient::new(self.channel.clone())
    }

    pub fn transfer(&self) -> TransferServiceClient<Channel> {
        TransferServiceClient::new(self.channel.clone())
    }

    /// Creates the team `teams/{id}`.
    pub async fn team(&self, id: &str) -> v1::Team {
        let team = v1::Team {
            display_name: format!("Team {id}"),
            currency: "EUR".to_owned(),
            ..v1::Team::default()
        };
        let request =
            v1::CreateTeamRequest { team: Some(team), team_id: id.to_owned(), ..Default::default() };
        self.organisation().create_team(request).await.unwrap().into_inner()
    }

    /// Sends a request of our own making over a connection of its own, and reads the whole answer.
    pub async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        try_send(self.address, request).await.unwrap()
    }

    /// Begins a call that takes the only place of its kind, and keeps it: until the rest of its request is spoken. Answers
    /// also what another call is told meanwhile.
    pub async fn hold(&self, method: &str, beginning: Bytes) -> Held {
        in_time(&format!("the only place for {method}"), self.try_to_hold(method, beginning)).await
    }

    async fn try_to_hold(&self, method: &str, beginning: Bytes) -> Held {
        loop {
            let (speaker, body) = spoken();
            speaker.send(Ok(Frame::data(beginning.clone()))).await.unwrap();
            let mut call = tokio::spawn(try_send(self.address, request(method, body)));
            // A call that tries may have the place when this one comes, or be about to give it up: this one is refused
            // then. It has it if another was refused, and it has no answer.
            let Some(refusal) = self.refused(method, &call).await else { continue };
            if timeout(SETTLES, &mut call).await.is_err() {
                return Held { speaker, call, refusal };
            }
        }
    }

    /// Calls until there is no room for the call, as long as the one that is to take it has no answer.
    async fn refused(&self, method: &str, call: &JoinHandle<Result<Answer, hyper::Error>>) -> Option<Answer> {
        while !call.is_finished() {
            let (_silent, body) = spoken();
            // To its end, so that nothing of this try is left that could take the place from the next.
            let answer = self.send(timed(method, body)).await;
            if answer.status().code() != Code::DeadlineExceeded {
                return Some(answer);
            }
        }
        None
    }
}

// === impl Answer ===

impl Answer {
    /// The gRPC status.
    pub fn status(&self) -> Status {
        Status::from_header_map(&self.metadata).expect("every answer has a status")
    }
}

/// Lets all servers share what they compile: half of what the tests would do is to compile the same again and again. Those
/// that are about compiling name a compiler.
fn share_compiled(config: &Config) {
    if !config.plugins.compiler.as_os_str().is_empty() || config.data.join("compiled").exists() {
        return;
    }
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    // A directory with nothing of Merit's but this would be somebody else's.
    for folder in [&shared, &config.data.join("blobs")] {
        fs::create_dir_all(folder).unwrap();
    }
    symlink(shared, config.data.join("compiled")).unwrap();
}

/// A server, also over the data of one that has just stopped: what it had under way may be a moment away from letting go
/// of the directory.
async fn built(config: &Config) -> Server {
    let built = async {
        loop {
            match Server::build(config).await {
                Ok(server) => return server,
                Err(error) if error.to_string().contains("is in use by another process") => {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    in_time("the directory of the server before", built).await
}

/// What has to come some time; where it does not, that is said.
pub async fn in_time<T>(what: &str, coming: impl Future<Output = T>) -> T {
    timeout(IN_TIME, coming).await.unwrap_or_else(|_| panic!("it did not come in time: {what}"))
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(what, waiting).await;
}

/// Sends a request of our own making over a connection of its own, and reads the whole answer.
async fn try_send<B>(address: SocketAddr, request: Request<B>) -> Result<Answer, hyper::Error>
where
    B: http_body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
    let connection = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?;
    connection.abort();
    let mut metadata = parts.headers;
    metadata.extend(body.trailers().cloned().unwrap_or_default());
    Ok(Answer { http: parts.status, metadata })
}

fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

/// The configuration of a server in a directory, on any free port.
pub fn config(directory: &Path) -> Config {
    let mut config = Config { data: directory.join("data"), ..Config::default() };
    config.listen.set_port(0);
    // Tests run many servers at once, on disks that may be nearly full.
    config.store.segment_bytes = 1 << 20;
    config.store.cache_bytes = 16 << 20;
    config.store.free_floor_bytes = 0;
    // They run on machines that are slow and busy, too: what is not about a limit of time must not meet one.
    let limits = &mut config.limits;
    for time in [
        &mut limits.call_ms,
        &mut limits.message_wait_ms,
        &mut limits.preface_ms,
        &mut limits.ping_answer_ms,
        &mut limits.drain_ms,
        &mut config.runs.wall_ms,
        &mut config.plugins.try_out_ms,
        &mut config.plugins.compile_wall_ms,
        &mut config.plugins.compile_wait_ms,
    ] {
        *time = HOUR_MS;
    }
    (config.plugins.compile_cpu_seconds, config.plugins.try_out_compile_cpu_seconds) = (3_600, 3_600);
    config
}

/// A body that is whole.
pub fn whole(bytes: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(bytes.into())
}

/// A body that comes bit by bit, and ends when the sender is dropped.
pub fn spoken() -> (mpsc::Sender<Result<Frame<Bytes>, Infallible>>, Spoken) {
    let (sender, receiver) = mpsc::channel(4);
    (sender, StreamBody::new(ReceiverStream::new(receiver)))
}

/// A request to a method, `merit.v1.GoalService/GetGoal`.
pub fn request<B>(method: &str, body: B) -> Request<B> {
    Request::post(format!("http://merit/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// The same, with little time.
pub fn timed<B>(method: &str, body: B) -> Request<B> {
    let mut request = request(method, body);
    request.headers_mut().insert("grpc-timeout", "20m".parse().unwrap());
    request
}

/// A message in its frame.
pub fn framed(message: &impl Message) -> Bytes {
    frame(&message.encode_to_vec(), false)
}

/// Bytes in the frame of a message.
pub fn frame(bytes: &[u8], compressed: bool) -> Bytes {
    let mut frame = BytesMut::with_capacity(bytes.len() + 5);
    frame.put_u8(compressed.into());
    frame.put_u32(bytes.len().try_into().unwrap());
    frame.put_slice(bytes);
    frame.freeze()
}

/// The stable reason of a status.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().unwrap_or_else(|| panic!("{status:?} has no reason")).reason.clone()
}
