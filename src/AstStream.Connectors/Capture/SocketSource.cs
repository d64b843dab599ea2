using System.Net.Sockets;
using AstStream.Connectors.Programs;
using AstStream.Dsp;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Capture;

/// <summary>
/// Raw PCM that another program writes into a Unix socket: one live stream, one writer at a time, which may go and come again.
/// </summary>
internal static class SocketSource
{
    private static readonly Key<string?> Path = Keys.Text(
        "path", "The Unix socket that is made, and that a program writes into; relative to this file.", required: true);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "socket", "Takes raw PCM from a program that connects to a Unix socket.",
            [Path, .. PcmKeys.All, .. LiveOptions.ReopenKeys], Read);

    private static Settings Read(SectionReader section)
    {
        var framing = PcmKeys.Framing(section);
        var format = PcmKeys.Format(section);
        var path = section.Resolve(section.Get(Path) ?? ".");
        if (System.Text.Encoding.UTF8.GetByteCount(path) > 107)
            section.Problem(Path, "a Unix socket's path has at most 107 bytes; expected a shorter one, for example below /run");
        var options = new LiveOptions
        {
            WaitsAtStart = true,
            MinDelay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(2),
            StalledAfter = TimeSpan.FromSeconds(5)
        }.With(section);
        return new Settings(path, framing, format, options);
    }

    private sealed record Settings(string Path, PcmFraming Framing, PcmFormat Format, LiveOptions Options) : SourceSettings
    {
        public override IReadOnlyList<Resource> Resources =>
        [
            new Resource(ResourceKind.Member, $"socket {Path}")
            {
                Key = SocketSource.Path,
                Clash = other => $"{Path} is the socket of source '{other}' already; give each its own",
            },
        ];

        public override IAudioSource Build(PipelineDefinition pipeline) => new LiveSource(
            new SocketLink(Path, PcmKeys.Describe($"socket {Path}", Framing, Format), Framing, Format), Options);
    }

    private sealed class SocketLink(string path, string description, PcmFraming framing, PcmFormat format) : ILiveLink, IAsyncDisposable
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // for a header

        private const int MostWaiting = 16; // clients that have said nothing yet

        private Socket? _listener;

        public string Description => description;

        public bool CanReopen => true;

        public Action<string>? Refused { private get; set; }

        public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
        {
            _listener ??= Listen();

            // The first one that sends sound is heard: one that connects and says nothing, or nonsense, keeps nobody out.
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var accepting = AcceptAsync(over.Token);
            var greeting = new List<Task<Connection?>>();
            try
            {
                while (true)
                {
                    var ended = await Task.WhenAny([accepting, .. greeting]).ConfigureAwait(false);
                    if (ended == accepting)
                    {
                        var stream = await accepting.ConfigureAwait(false);
                        if (greeting.Count < MostWaiting)
                            greeting.Add(GreetAsync(stream, patience ?? s_patience, over.Token));
                        else
                            await stream.DisposeAsync().ConfigureAwait(false);
                        accepting = AcceptAsync(over.Token);
                        continue;
                    }

                    greeting.Remove((Task<Connection?>)ended);
                    if (await ((Task<Connection?>)ended).ConfigureAwait(false) is { } connection)
                        return connection;
                }
            }
            finally
            {
                await over.CancelAsync().ConfigureAwait(false);
                await ((Task)accepting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (accepting.IsCompletedSuccessfully)
                    await (await accepting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
                foreach (var other in greeting)
                {
                    if (await other.ConfigureAwait(false) is { } late)
                        await late.DisposeAsync().ConfigureAwait(false);
                }
            }
        }

        private async Task<NetworkStream> AcceptAsync(CancellationToken cancellation) =>
            new(await _listener!.AcceptAsync(cancellation).ConfigureAwait(false), ownsSocket: true);

        /// <summary>Waits for a client's first sound; null where none comes, or something else does.</summary>
        private async Task<Connection?> GreetAsync(NetworkStream stream, TimeSpan patience, CancellationToken cancellation)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (framing != PcmFraming.Raw)
                limit.CancelAfter(patience); // a header is not waited for without end
            try
            {
                var connection = new Connection(new PcmReader(stream, $"socket {path}", framing, format), stream, path);
                if (await connection.ReadFormatAsync($"socket {path}", null, limit.Token).ConfigureAwait(
                    false) && await connection.HasSoundAsync(cancellation).ConfigureAwait(false))
                    return connection;
            }
            catch (Exception e) when (e is LinkException or InvalidAudioException or IOException)
            {
                Refused?.Invoke($"{e.Message}; waiting for the next writer");
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                // It said nothing in time, or another one is heard.
            }

            await stream.DisposeAsync().ConfigureAwait(false);
            return null;
        }

        public ValueTask DisposeAsync()
        {
            if (_listener is null)
                return ValueTask.CompletedTask;
            _listener.Dispose();
            _listener = null;
            File.Delete(path);
            return ValueTask.CompletedTask;
        }

        /// <summary>
        /// Makes the socket. One that an earlier run left is taken over; one that somebody listens on, or a file, is not.
        /// </summary>
        private Socket Listen()
        {
            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                if (File.Exists(path))
                {
                    if (IsFile())
                        throw new LinkException($"socket {path}: is a file; expected a path where a socket can be made") { IsFinal = true };
                    using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        probe.Connect(new UnixDomainSocketEndPoint(path));
                        throw new LinkException(
                            $"socket {path}: another program listens on it; is this pipeline running twice?")
                        { IsFinal = true };
                    }
                    catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
                    {
                        File.Delete(path); // of a run that was killed
                    }
                }

                listener.Bind(new UnixDomainSocketEndPoint(path));
                listener.Listen(MostWaiting);
                return listener;
            }
            catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
            {
                listener.Dispose();
                throw new LinkException($"socket {path}: can't be made: {e.Message}") { IsFinal = true };
            }
            catch
            {
                listener.Dispose();
                throw;
            }
        }

        /// <summary>A socket can't be opened as a file can.</summary>
        private bool IsFile()
        {
            try
            {
                File.OpenHandle(path).Dispose();
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }

        private sealed class Connection(PcmReader reader, NetworkStream stream, string path) : LiveConnection(reader)
        {
            private PcmChunk? _first;

            /// <summary>Waits for the first sound, which is given again when it is read; false where it ends before.</summary>
            public async Task<bool> HasSoundAsync(CancellationToken cancellation)
            {
                _first = await base.ReadAsync(cancellation).ConfigureAwait(false);
                return !_first.Value.Bytes.IsEmpty;
            }

            public override async ValueTask<PcmChunk> ReadAsync(CancellationToken cancellation)
            {
                if (_first is { } first)
                {
                    _first = null;
                    return first;
                }

                try
                {
                    return await base.ReadAsync(cancellation).ConfigureAwait(false);
                }
                catch (InvalidAudioException e)
                {
                    throw new LinkException($"{e.Message}; waiting for the next writer"); // the time until then is nobody's nonsense
                }
            }

            public override Task<LinkException> WhyEndedAsync() =>
                Task.FromResult(new LinkException($"socket {path}: its writer is gone; waiting for the next one"));

            public override ValueTask DisposeAsync() => stream.DisposeAsync();
        }
    }
}
