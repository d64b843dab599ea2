using System.Runtime.CompilerServices;
using AstStream.Dsp;

namespace AstStream.Streaming;

/// <summary>
/// Resampling, log-mel and windows of many streams: a stream belongs to one lane, which alone touches its state. There is no task and no
/// timer for a stream.
/// </summary>
internal sealed class LaneNode : Node
{
    private const int Resampled = 4096; // samples at once

    private readonly Edge<AudioBlock> _input;
    private readonly IReadOnlyList<WindowScheduler> _schedulers;
    private readonly bool _isLive;
    private readonly RunReport _report;
    private readonly Edge<StreamRecord>? _audio;
    private readonly HashSet<StreamInfo> _streams = [];
    private readonly Signal _room = new();
    private readonly OnlineFbank _fbank;
    private readonly float[] _resampled = new float[Resampled];

    /// <summary>Makes a lane.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="schedulers">Those of the models that hear its streams; none where their sound is only passed on.</param>
    /// <param name="isLive">Whether its streams can't wait.</param>
    /// <param name="report">Counts.</param>
    /// <param name="audio">Where sound is passed on to; null where nobody asks for it.</param>
    public LaneNode(string name, Edge<AudioBlock> input, IReadOnlyList<WindowScheduler> schedulers, bool isLive, RunReport report, Edge<StreamRecord>? audio = null)
        : base(name)
    {
        (_input, _schedulers, _isLive, _report) = (input, schedulers, isLive, report);
        _fbank = new OnlineFbank(schedulers.Count == 0 ? new FbankOptions() : new FbankOptions { NumMelBins = schedulers[0].Window.NumMelBins });
        if (audio is not null)
            _audio = WritesTo(audio);
        foreach (var scheduler in schedulers)
        {
            if (!scheduler.AddLane(_room))
            {
                Forget();
                throw new InvalidOperationException("the run is over");
            }

            scheduler.Windows.AddWriter(name);
            CompletesWith(scheduler.Windows, scheduler.Complete);
        }
    }

    public override string Description =>
        _schedulers.Count == 0 ? $"{(_isLive ? "live" : "patient")} streams, passed on as they are" : $"{(_isLive ? "live" : "patient")} streams to {FbankOptions.SampleRate} Hz, {_fbank.NumMelBins} mel bins; " + string.Join(", ", _schedulers.Select(s => FormattableString.Invariant(
            $"windows of {s.Window.WindowFrames} frames every {s.Window.HopFrames * FbankOptions.FrameTime.TotalSeconds} s{(s.Window.Gate ? ", gated" : "")}")));

    internal override ValueTask CloseAsync()
    {
        foreach (var stream in _streams)
            stream.FrontEnd?.Dispose();
        _input.Drain(); // its sources may be gone, and the graph may not know it any more
        return ValueTask.CompletedTask;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await _input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_input.TryRead(out var block))
            {
                try
                {
                    if (_schedulers.Count == 0)
                        Count(block);
                    else
                        Process(block);
                    if (_audio is not null && (!block.Stream.IsAbandoned || block.Kind == MessageKind.End))
                        await _audio.WriteAsync(AudioRecord.Of(block), cancellation).ConfigureAwait(false);
                }
                finally
                {
                    block.Return();
                }

                if (!_isLive)
                    await WaitForRoomAsync().ConfigureAwait(false);
            }
        }

        // What its source left open ends where it is.
        foreach (var stream in _streams.ToList())
            End(stream);
    }

    /// <summary>Takes a block. A stream that breaks its own rules ends there; the others go on.</summary>
    internal void Process(AudioBlock block)
    {
        var stream = block.Stream;
        var state = stream.FrontEnd;
        if (state is null)
        {
            if (!_streams.Add(stream) || stream.IsAbandoned)
            {
                // It has failed, and its source did not know yet; or it was given up before it began.
                if (block.Kind == MessageKind.End)
                    _streams.Remove(stream);
                return;
            }

            if (block.SampleRate is < PcmFormat.MinSampleRate or > PcmFormat.MaxSampleRate)
            {
                _report.Fail(stream.Source, $"stream {stream.Id} comes at {block.SampleRate} Hz; expected {PcmFormat.MinSampleRate} to {PcmFormat.MaxSampleRate} Hz; it is left out, the others go on");
                return;
            }

            state = Open(stream, block.SampleRate);
        }

        if (stream.IsAbandoned)
        {
            state.Abandon();
            Remove(stream);
            if (block.Kind != MessageKind.End)
                _streams.Add(stream);
            return;
        }

        try
        {
            _report.AddSamples(state.Accept(block, _resampled));
            if (state.TakeLevelHint(isEnd: block.Kind == MessageKind.End) is { } hint)
                _report.Warn(stream.Source, $"stream {stream.Id} {hint}");
            if (block.Kind == MessageKind.End)
                Remove(stream);
        }
        catch (InvalidAudioException e)
        {
            _report.Fail(stream.Source, $"stream {stream.Id} {e.Message}; it ends here, the others go on");
            state.Fail(block);
            state.Dispose();
            stream.FrontEnd = null;
            if (block.Kind == MessageKind.End)
                _streams.Remove(stream);
        }
    }

    /// <summary>Counts a block that no model hears.</summary>
    private void Count(AudioBlock block)
    {
        if (_streams.Add(block.Stream))
            _report.AddStream();
        if (block.Kind == MessageKind.End)
            _streams.Remove(block.Stream);
        _report.AddSamples((long)block.Samples.Length * FbankOptions.SampleRate / block.SampleRate);
    }

    private StreamFrontEnd Open(StreamInfo stream, int sampleRate)
    {
        _report.AddStream();
        List<StreamState?> states = [.. _schedulers.Select(s => stream.States?.GetValueOrDefault(s.Model) is { } state ? StreamState.Read(state, s.Identity) : null)];
        var goesOn = states.All(s => s is not null) && stream.States!.Count == states.Count;
        stream.Models = [.. _schedulers.Select(s => s.Model)];
        if (stream.States is not null && !goesOn)
            _report.Warn(stream.Source, $"stream {stream.Id}: another model, or another one besides, goes on with it: it begins anew with the sound that was not decided");
        var timelines = _schedulers.Select(s => s.Open(stream, stream.Route?.Priority ?? 0, _isLive)).ToList();
        for (var i = 0; i < timelines.Count; i++)
            timelines[i].Resumed = goesOn ? states[i] : null;
        return stream.FrontEnd = new StreamFrontEnd(_fbank, sampleRate, timelines, stream.FirstSample);
    }

    private void End(StreamInfo stream)
    {
        stream.FrontEnd?.End(captured: 0);
        Remove(stream);
    }

    private void Remove(StreamInfo stream)
    {
        stream.FrontEnd?.Dispose();
        stream.FrontEnd = null;
        _streams.Remove(stream);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitForRoomAsync()
    {
        for (var i = 0; i < _schedulers.Count; i++)
        {
            while (!_schedulers[i].HasRoom())
                await _room.WaitAsync().ConfigureAwait(false);
        }
    }
}
