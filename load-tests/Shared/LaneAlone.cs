using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.LoadTest;

/// <summary>
/// One live stream through one lane, on the caller's thread: windows of 1,024 frames unless told otherwise, scored at once by nobody.
/// </summary>
internal sealed class LaneAlone : IDisposable
{
    private readonly RunReport _report = new();
    private readonly List<Piece> _windows = [];
    private readonly StreamInfo _stream = new("s", "s");
    private readonly WindowScheduler _scheduler;
    private readonly WindowScheduler.SessionPort _session;
    private readonly LaneNode _lane;
    private readonly int _sampleRate;
    private long _position;

    public LaneAlone(int sampleRate, WindowOptions? window = null)
    {
        _sampleRate = sampleRate;
        _scheduler = new WindowScheduler(
            "m", window ?? new WindowOptions(1024, 100, 128), new BatchOptions(), TimeProvider.System, _report);
        _session = _scheduler.AddSession(64, preparesAhead: false);
        _lane = new LaneNode("lane", new Edge<AudioBlock>("lane", 1), [_scheduler], isLive: true, _report);
    }

    /// <summary>The stream's next block, and what follows from it up to decoding.</summary>
    public void Accept(ReadOnlySpan<float> samples)
    {
        var block = AudioBlock.Rent(_stream, _position, _sampleRate, samples.Length);
        samples.CopyTo(block.Samples);
        _position += samples.Length;
        _lane.Process(block);
        block.Return();
        if (_session.Take(_windows) == 0)
            return;
        _session.Started(_windows.Count);
        _session.Ended(_windows.Count, TimeSpan.FromMilliseconds(1));
        _session.Scored(_windows);
        _windows.Clear();
        _scheduler.TakeDecided(_windows, 64);
        _scheduler.Decoded(_windows);
    }

    public void Dispose()
    {
        _lane.ReleaseStreams();
        _scheduler.Close();
        _report.Dispose();
    }
}
