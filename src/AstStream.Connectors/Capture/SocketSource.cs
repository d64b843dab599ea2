using System.Net.Sockets;
using AstStream.Dsp;
using AstStream.Streaming.Pipelines;

namespace AstStream.Connectors.Capture;

/// <summary>Raw PCM that another program writes into a Unix socket: one live stream, one writer at a time, which may go and come again.</summary>
internal static class SocketSource
{
    private static readonly Key<string?> Path = Keys.Text("path", "The Unix socket that is made, and that a program writes into; relative to this file.", required: true);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "socket", "Takes raw PCM from a program that connects to a Unix socket.", [Path, .. PcmKeys.All, Channels.Key, .. LiveOptions.ReopenKeys], Create);

    private static LiveSource Create(SectionReader section)
    {
        var framing = PcmKeys.Framing(section);
        var format = PcmKeys.Format(section);
        var path = section.Resolve(section.Get(Path) ?? ".");
        if (System.Text.Encoding.UTF8.GetByteCount(path) > 107)
            section.Problem(Path, "a Unix socket's path has at most 107 bytes; expected a shorter one, for example below /run");
        var options = new LiveOptions { WaitsAtStart = true, MinDelay = TimeSpan.FromMilliseconds(100), MaxDelay = TimeSpan.FromSeconds(2), StalledAfter = TimeSpan.FromSeconds(5) }.With(section);
        return new LiveSource(new SocketLink(path, PcmKeys.Describe($"socket {path}", framing, format), framing, format), options);
    }

    private sealed class SocketLink(string path, string description, PcmFraming framing, PcmFormat format) : ILiveLink, IAsyncDisposable
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // for a header

        private Socket? _listener;

        public string Description => description;

        public bool CanReopen => true;

        public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
        {
            _listener ??= Listen();
            var socket = await _listener.AcceptAsync(cancellation).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            try
            {
                var connection = new Connection(new PcmReader(stream, $"socket {path}", framing, format), stream, path);
                if (await connection.ReadFormatAsync($"socket {path}", patience ?? s_patience, cancellation).ConfigureAwait(false))
                    return connection;
                throw new LinkException($"socket {path}: the writer closed it before any sound came");
            }
            catch
            {
                await stream.DisposeAsync().ConfigureAwait(false);
                throw;
            }
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

        /// <summary>Makes the socket. One that an earlier run left is taken over; one that somebody listens on, or a file, is not.</summary>
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
                        throw new LinkException($"socket {path}: another program listens on it; is this pipeline running twice?") { IsFinal = true };
                    }
                    catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
                    {
                        File.Delete(path); // of a run that was killed
                    }
                }

                listener.Bind(new UnixDomainSocketEndPoint(path));
                listener.Listen(1);
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
            public override Task<LinkException> WhyEndedAsync() => Task.FromResult(new LinkException($"socket {path}: its writer is gone; waiting for the next one"));

            public override ValueTask DisposeAsync() => stream.DisposeAsync();
        }
    }
}
