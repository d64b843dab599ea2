using System.Runtime.CompilerServices;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// Resampling, log-mel and windows of many streams: a stream belongs to one lane, which alone touches its state. There is no task and no
/// timer for a stream.
/// </summary>
internal sealed class LaneNode : Node
{
    private const int Resampled = 4096; // samples at once

    private readonly Edge<AudioBlock> _input;
    private readonly List<IWindowScheduler> _schedulers;
    private readonly bool _isLive;
    private readonly RunReport _report;
    private readonly Edge<StreamRecord>? _audio;
    private readonly Func<StreamInfo, IStreamObserver?>? _observe;
    private readonly Dictionary<StreamInfo, StreamFrontEnd?> _streams = []; // null: it has failed, and its source does not know yet
    private readonly Queue<(Action Do, TaskCompletionSource Done)> _calls = []; // that the lane is to do between two blocks
    private readonly Signal _room = new();
    private readonly OnlineFbank _fbank;
    private readonly float[] _resampled = new float[Resampled];
    private bool _isOver; // nothing is done any more; under the calls' lock

    /// <summary>Makes a lane.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="schedulers">
    /// Those of the models that hear its streams, and of those that do in their shadow; none where their sound is only passed on.
    /// </param>
    /// <param name="isLive">Whether its streams can't wait.</param>
    /// <param name="report">Counts.</param>
    /// <param name="audio">Where sound is passed on to; null where nobody asks for it.</param>
    /// <param name="observe">Who follows a stream that begins; null for nobody.</param>
    public LaneNode(
        string name, Edge<AudioBlock> input, IReadOnlyList<IWindowScheduler> schedulers, bool isLive, RunReport report,
        Edge<StreamRecord>? audio = null, Func<StreamInfo, IStreamObserver?>? observe = null)
        : base(name)
    {
        (_input, _schedulers, _isLive, _report, _observe) = (input, [.. schedulers], isLive, report, observe);
        _fbank = new OnlineFbank(
            schedulers.Count == 0 ? new FbankOptions() : new FbankOptions { NumMelBins = schedulers[0].Window.NumMelBins });
        if (audio is not null)
            _audio = WritesTo(audio);
        try
        {
            _schedulers.ForEach(Join);
        }
        catch
        {
            Forget();
            throw;
        }
    }

    public override string Description =>
        _schedulers.Count == 0
            ? $"{(_isLive ? "live" : "patient")} streams, passed on as they are"
            : $"{(_isLive ? "live" : "patient")} streams to {FbankOptions.SampleRate} Hz, {_fbank.NumMelBins} mel bins; "
                + string.Join(", ", _schedulers.Select(s => Describe(s.Window)));

    internal override ValueTask CloseAsync()
    {
        ReleaseStreams();
        _input.Drain(); // its sources may be gone, and the graph may not know it any more
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Has the lane do something between two blocks, also while it waits for room. Completes when that is done, or when the lane is over.
    /// </summary>
    internal Task CallAsync(Action action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_calls)
        {
            if (_isOver)
                return Task.CompletedTask;
            _calls.Enqueue((action, done));
        }

        _room.Set();
        var wakeUp = AudioBlock.WakeUp();
        if (!_input.TryWrite(wakeUp))
            wakeUp.Return(); // it has blocks to read
        return done.Task;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        try
        {
            await ReadBlocksAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_calls)
                _isOver = true;
            while (_calls.TryDequeue(out var call))
                call.Done.SetResult();
        }
    }

    private async Task ReadBlocksAsync(CancellationToken cancellation)
    {
        while (await _input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_input.TryRead(out var block))
            {
                try
                {
                    DoCalls();
                    if (block.IsWakeUp)
                        continue;
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
        foreach (var (stream, state) in _streams.ToList())
        {
            state?.End(captured: 0);
            Remove(stream);
        }
    }

    private void DoCalls()
    {
        while (TakeCall(out var call))
        {
            try
            {
                call.Do();
                call.Done.SetResult();
            }
            catch (Exception e)
            {
                call.Done.SetException(e);
                throw;
            }
        }
    }

    private bool TakeCall(out (Action Do, TaskCompletionSource Done) call)
    {
        lock (_calls)
            return _calls.TryDequeue(out call);
    }

    /// <summary>Lets go of all streams.</summary>
    internal void ReleaseStreams()
    {
        foreach (var stream in _streams.Keys.ToList())
            Remove(stream);
    }

    /// <summary>Whether a model hears its streams, as far as its owner has changed that.</summary>
    internal bool Hears(IWindowScheduler model) => _schedulers.Contains(model);

    /// <summary>
    /// Another model hears the lane's streams in the place of one, each from its next window on; or a shadow begins, or ends. By the lane
    /// itself.
    /// </summary>
    /// <param name="former">The one that ends; null for a shadow that begins.</param>
    /// <param name="next">The one that begins; null for a shadow that ends.</param>
    /// <exception cref="InvalidOperationException">The one that begins takes nothing any more.</exception>
    internal void Change(IWindowScheduler? former, IWindowScheduler? next)
    {
        if (next is not null)
            Join(next);
        foreach (var stream in _streams.Values.OfType<StreamFrontEnd>())
        {
            if (former is null)
                stream.Add(next!);
            else if (next is null)
                stream.Remove(former);
            else
                stream.Change(former, next);
        }

        if (former is null)
            _schedulers.Add(next!);
        else if (next is null)
            _schedulers.Remove(former);
        else
            _schedulers[_schedulers.IndexOf(former)] = next;
        if (former is not null)
            Releases(former.Windows);
    }

    private void Join(IWindowScheduler scheduler)
    {
        if (!scheduler.AddLane(Name, _room))
            throw new InvalidOperationException("the run is over");
        CompletesWith(scheduler.Windows, scheduler.Complete);
    }

    /// <summary>Takes a block. A stream that breaks its own rules ends there; the others go on.</summary>
    internal void Process(AudioBlock block)
    {
        var stream = block.Stream;
        if (!_streams.TryGetValue(stream, out var state))
        {
            _streams.Add(stream, null);
            if (stream.IsAbandoned)
            {
                // It was given up before it began.
                if (block.Kind == MessageKind.End)
                    _streams.Remove(stream);
                return;
            }

            if (block.SampleRate is < PcmFormat.MinSampleRate or > PcmFormat.MaxSampleRate)
            {
                _report.Fail(
                    stream.Source,
                    $"stream {stream.Id} comes at {block.SampleRate} Hz; expected {PcmFormat.MinSampleRate} to {PcmFormat.MaxSampleRate} "
                        + $"Hz; it is left out, the others go on");
                return;
            }

            state = _streams[stream] = Open(stream, block.SampleRate);
        }

        if (state is null)
        {
            if (block.Kind == MessageKind.End)
                _streams.Remove(stream);
            return;
        }

        if (stream.IsAbandoned)
        {
            state.Abandon();
            stream.Observer?.Left();
            Remove(stream);
            if (block.Kind != MessageKind.End)
                _streams.Add(stream, null);
            return;
        }

        try
        {
            stream.Observer?.Heard(block);
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
            Remove(stream);
            if (block.Kind != MessageKind.End)
                _streams.Add(stream, null);
        }
    }

    /// <summary>Counts a block that no model hears.</summary>
    private void Count(AudioBlock block)
    {
        if (_streams.TryAdd(block.Stream, null))
            _report.AddStream();
        if (block.Kind == MessageKind.End)
            _streams.Remove(block.Stream);
        _report.AddSamples((long)block.Samples.Length * FbankOptions.SampleRate / block.SampleRate);
    }

    private StreamFrontEnd Open(StreamInfo stream, int sampleRate)
    {
        _report.AddStream();
        List<IWindowScheduler> models = [.. _schedulers.Where(s => s.ShadowOf is null)];
        List<StreamState?> states = [.. models.Select(
            s => stream.States?.GetValueOrDefault(s.Model) is { } state ? StreamState.Read(state, s.Identity, s.Window.NumMelBins) : null)];
        var goesOn = states.All(s => s is not null) && stream.States!.Count == states.Count;
        stream.Models = [.. models.Select(s => s.Model)];
        if (stream.States is not null && !goesOn)
            _report.Warn(
                stream.Source,
                $"stream {stream.Id}: another model, or another one besides, goes on with it: it starts over with the sound that was not "
                    + $"decided");
        stream.Observer = _observe?.Invoke(stream);
        var timelines = models.Select(s => s.Open(stream, _isLive)).ToList();
        for (var i = 0; i < timelines.Count; i++)
        {
            if (goesOn)
                timelines[i].Resumed = states[i];
            else if (stream.States?.GetValueOrDefault(models[i].Model) is { } former)
                timelines[i].Unfinished = StreamState.Unfinished(former);
        }

        var frontEnd = new StreamFrontEnd(
            _fbank, sampleRate, timelines.Zip(models, (t, s) => new WindowCutter(t, s)), stream.FirstSample)
        {
            Observer = stream.Observer,
        };
        foreach (var shadow in _schedulers.Where(s => s.ShadowOf is not null))
            frontEnd.Add(shadow);
        return frontEnd;
    }

    private void Remove(StreamInfo stream)
    {
        if (_streams.Remove(stream, out var state))
            state?.Dispose();
    }

    private static string Describe(WindowOptions window) => FormattableString.Invariant(
        $"windows of {window.WindowFrames} frames every {window.HopFrames * FbankOptions.FrameTime.TotalSeconds} s")
        + (window.Gate ? ", gated" : "");

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitForRoomAsync()
    {
        for (var i = 0; i < _schedulers.Count; i++)
        {
            while (i < _schedulers.Count && !_schedulers[i].HasRoom())
            {
                await _room.WaitAsync().ConfigureAwait(false);
                DoCalls();
            }
        }
    }
}
