using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// One stream's way from samples to windows: brought to 16 kHz, log-mel frames, computed once, and cut for each model. Nothing is allocated
/// for a block in the steady state. For one thread at a time.
/// </summary>
internal sealed class StreamFrontEnd : IDisposable
{
    private const long MaxSample = 1L << 50; // centuries: beyond it a position is a mistake

    private Resampler _resampler;
    private readonly OnlineFbank _fbank;
    private readonly Listener _listener;
    private WindowCutter[] _cutters;
    private readonly List<FrameChunk> _chunks = []; // frames from _firstFrame on
    private readonly int _bins;
    private int _kept; // frames that a window may reach back
    private long _firstFrame; // of the chunks, counted from the segment's start
    private long _frames; // of the segment
    private long _samples; // of the segment
    private Segment _segment;
    private long _expected; // the next sample at the stream's own rate
    private LevelHint? _level; // until the first minute is judged
    private long _discard; // resampled samples that come before the first one that is needed

    /// <summary>Makes a front end.</summary>
    /// <param name="fbank">Whose tables are shared; of the same thread.</param>
    /// <param name="sampleRate">The stream's own rate.</param>
    /// <param name="cutters">
    /// One for each model, all with the same number of mel bins. Where all have states, it goes on from these.
    /// </param>
    /// <param name="firstSample">The first sample that comes, at the stream's own rate.</param>
    public StreamFrontEnd(OnlineFbank fbank, int sampleRate, IEnumerable<WindowCutter> cutters, long firstSample = 0)
    {
        _fbank = fbank.Another();
        _cutters = [.. cutters];
        _bins = fbank.NumMelBins;
        _kept = Reach();
        if (_cutters.All(c => c.Timeline.Resumed is not null))
            _listener = Resume();
        else
            (_listener, _segment) = (new Listener(_bins), new Segment(
                sampleRate, firstSample, (long)Math.Round(firstSample * (decimal)FbankOptions.SampleRate / sampleRate)));
        _resampler = new Resampler(_segment.SampleRate, FbankOptions.SampleRate);
        _expected = firstSample;
        _level = firstSample == 0 ? new LevelHint(sampleRate) : null; // what goes on was judged before
        foreach (var cutter in _cutters)
            cutter.Begin(_segment, _listener);
    }

    /// <summary>Who follows the stream; null, the default, for nobody.</summary>
    public IStreamObserver? Observer { get; init; }

    /// <summary>The sample at 16 kHz that comes next.</summary>
    private long Position => _segment.Start + _samples;

    /// <summary>Another model goes on with the stream in the place of one, from the next window on.</summary>
    public void Change(IWindowScheduler former, IWindowScheduler next)
    {
        var index = Array.FindIndex(_cutters, c => c.Scheduler == former);
        var before = _cutters[index];
        _cutters[index] = new WindowCutter(next.Open(before.Timeline.Stream, before.Timeline.IsLive, isHeld: true), next);
        _cutters[index].TakeOver(before);
        _kept = Reach();
    }

    /// <summary>A model hears the stream in the shadow of another one, from the next window on.</summary>
    public void Add(IWindowScheduler shadow)
    {
        var beside = _cutters.First(c => c.Scheduler == shadow.ShadowOf);
        var cutter = new WindowCutter(shadow.Open(beside.Timeline.Stream, beside.Timeline.IsLive), shadow);
        cutter.BeginAt(beside);
        _cutters = [.. _cutters, cutter];
        _kept = Reach();
    }

    /// <summary>A shadow hears no more of the stream.</summary>
    public void Remove(IWindowScheduler shadow)
    {
        var cutter = _cutters.First(c => c.Scheduler == shadow);
        cutter.End();
        cutter.Deliver();
        _cutters = [.. _cutters.Where(c => c != cutter)];
        _kept = Reach();
    }

    /// <summary>
    /// Takes a block or a mark; the windows that it completes go to the models' schedulers. Returns how many samples at 16 kHz were heard.
    /// </summary>
    /// <param name="block">The block; it stays the caller's.</param>
    /// <param name="scratch">Room for resampled sound.</param>
    /// <exception cref="InvalidAudioException">The block does not fit to what came before; nothing was taken of it.</exception>
    public long Accept(AudioBlock block, Span<float> scratch)
    {
        var isBreak = block.Kind == MessageKind.Discontinuity;
        var expected = isBreak ? AtRate(_expected, block.SampleRate) : _expected;
        if (block.SampleRate != _resampler.InputRate && !isBreak)
            throw new InvalidAudioException($"changes from {_resampler.InputRate} Hz to {block.SampleRate} Hz without a discontinuity");
        if (block.SampleRate is < PcmFormat.MinSampleRate or > PcmFormat.MaxSampleRate)
            throw new InvalidAudioException(
                $"changes to {block.SampleRate} Hz; expected {PcmFormat.MinSampleRate} to {PcmFormat.MaxSampleRate} Hz");
        if (isBreak ? block.Start < expected || block.Start > MaxSample : block.Start != expected)
            throw new InvalidAudioException($"goes from sample {_expected} to {block.Start} without a discontinuity");
        var ended = _expected;
        var before = _samples;
        _level?.Accept(block.Samples);
        for (var rest = (ReadOnlySpan<float>)block.Samples; !rest.IsEmpty;)
        {
            var given = _resampler.Process(rest, scratch, out var taken);
            rest = rest[taken..];
            AcceptResampled(scratch[..given], block.Captured);
        }

        _expected = block.Start + block.Samples.Length;
        if (block.Kind == MessageKind.Data)
        {
            Deliver();
            return _samples - before;
        }

        for (int given; (given = _resampler.Flush(scratch)) > 0;)
            AcceptResampled(scratch[..given], block.Captured);
        var heard = _samples - before;
        EndSegment(ended, block.Captured);
        if (block.SampleRate == _resampler.InputRate)
            _resampler.Reset();
        else
            _resampler = new Resampler(block.SampleRate, FbankOptions.SampleRate);
        if (block.Kind == MessageKind.End)
            EndCutters();
        else
            Skip(new Segment(block.SampleRate, block.Start, At16k(block.Start)), block.Reason);
        return heard;
    }

    /// <summary>
    /// What is odd about the level of the stream's first minute, once that is known; null before, after that, and where nothing is.
    /// </summary>
    /// <param name="isEnd">Whether no more will come.</param>
    public string? TakeLevelHint(bool isEnd)
    {
        if (_level is not { } level || !(level.IsDone || isEnd))
            return null;
        _level = null;
        return level.Text;
    }

    /// <summary>The stream ends with a block that can't be used: the time that it would have added is lost.</summary>
    public void Fail(AudioBlock block)
    {
        var next = block.Start <= MaxSample && block.SampleRate == _resampler.InputRate
            ? Math.Max(_expected, block.Start) + block.Samples.Length : _expected;
        EndSegment(_expected, block.Captured);
        Skip(new Segment(_resampler.InputRate, next, At16k(next)), LossReason.Fault);
        EndCutters();
    }

    /// <summary>The stream is over.</summary>
    public void End(long captured)
    {
        EndSegment(_expected, captured);
        EndCutters();
    }

    /// <summary>The stream is somebody else's: it ends here, and what is not a whole window yet is not scored.</summary>
    public void Abandon() => EndCutters();

    private int Reach() => (int)_cutters.Max(c => CutPoint.Reach(c.Options.WindowFrames));

    private void EndCutters()
    {
        foreach (var cutter in _cutters)
            cutter.End();
        Deliver();
    }

    public void Dispose()
    {
        Deliver();
        ReleaseChunks();
    }

    /// <summary>Takes what the resampler gives; it may have begun before what is needed.</summary>
    private void AcceptResampled(ReadOnlySpan<float> samples, long captured)
    {
        var skipped = (int)Math.Min(samples.Length, _discard);
        _discard -= skipped;
        AcceptWaveform(samples[skipped..], captured);
    }

    private void AcceptWaveform(ReadOnlySpan<float> samples, long captured)
    {
        while (!samples.IsEmpty)
        {
            var taken = _fbank.AcceptWaveform(samples);
            samples = samples[taken..];
            _samples += taken;
            while (_fbank.NumFramesReady > 0)
            {
                AddFrames();
                Hear(captured);
                DropFrames();
            }
        }
    }

    /// <summary>Hears the new frames one by one, so that what is found does not depend on the length of blocks.</summary>
    private void Hear(long captured)
    {
        if (_listener.Frames <= _frames)
        {
            // Where it goes on, columns may wait, and a window may be whole.
            HearColumns(captured);
            Cut(captured);
        }

        while (_listener.Frames < _frames)
        {
            var at = (int)(_listener.Frames - _firstFrame);
            _listener.Floor.Accept(_chunks[at / FrameChunk.Frames].From(at % FrameChunk.Frames)[.._bins]);
            HearColumns(captured);
            Cut(captured);
        }
    }

    private void Cut(long captured)
    {
        foreach (var cutter in _cutters)
            cutter.Cut(_chunks, _firstFrame, _listener.Frames, captured);
    }

    private void HearColumns(long captured)
    {
        while (_listener.Floor.TryReadColumn(out var level))
            HearColumn(level, captured);
    }

    private void EndActivity(long captured)
    {
        _listener.Floor.Flush();
        HearColumns(captured);
        while (_listener.Activity.IsActive)
            HearColumn(level: 0, captured); // nothing comes: what sounds is over
    }

    private void HearColumn(float level, long captured)
    {
        var isOver = _listener.Activity.Accept(level);
        if (!isOver && !_listener.Activity.IsActive)
            return;
        foreach (var cutter in _cutters)
            cutter.Note(isOver, _chunks, _firstFrame, captured);
    }

    /// <summary>Goes on where other front ends have stopped: from the earliest place that a model still needs.</summary>
    private Listener Resume()
    {
        var states = _cutters.Select(c => (State: c.Timeline.Resumed!, c.Options.WindowFrames)).ToList();
        _segment = states.MinBy(s => s.State.Point.Segment.Start).State.Point.Segment;
        states.RemoveAll(s => s.State.Point.Segment != _segment);
        _firstFrame = _frames = states.Min(s => s.State.Point.NeededFrame(s.WindowFrames));
        _samples = _frames * FbankOptions.FrameShift;
        var started = states.Min(s => s.State.Point.NeededSample(s.WindowFrames)) - _segment.Origin;
        _discard = _samples - (long)((Int128)started * FbankOptions.SampleRate / _segment.SampleRate);
        return states.MinBy(s => (s.State.Listener.Frames, s.State.Point.Noted)).State.Listener;
    }

    /// <summary>Time is missing up to a new segment.</summary>
    private void Skip(Segment next, LossReason reason)
    {
        _segment = next;
        foreach (var cutter in _cutters)
            cutter.Lose(next, reason);
        Deliver();
    }

    /// <summary>A sample of the stream's own rate at 16 kHz; never before what was heard, which is rounded up.</summary>
    private long At16k(long sample) =>
        Math.Max(Position, (long)Math.Round(sample * (decimal)FbankOptions.SampleRate / _resampler.InputRate));

    /// <summary>
    /// A sample of the stream's own rate as it is counted at another one, rounded down: what is after it is after this too.
    /// </summary>
    private long AtRate(long sample, int sampleRate) =>
        sampleRate == _resampler.InputRate ? sample : (long)((Int128)sample * sampleRate / _resampler.InputRate);

    private void Deliver()
    {
        foreach (var cutter in _cutters)
            cutter.Deliver();
    }

    /// <summary>The segment ends; what comes may join it in time, but not in its windows.</summary>
    /// <param name="expected">The sample after it, at its own rate.</param>
    /// <param name="captured">When its last sample was there.</param>
    private void EndSegment(long expected, long captured)
    {
        // After a place that was resumed from, less may have come than was heard before.
        var end = _cutters.Max(c => c.IsWaiting ? Position : Math.Max(Position, c.CellStart));
        var next = new Segment(_segment.SampleRate, expected, end);
        if (_listener.Frames == _frames)
            EndActivity(captured); // else it is not where it has gone on from yet
        _listener.Skip();
        foreach (var cutter in _cutters)
            cutter.EndSegment(_chunks, _firstFrame, _frames, end, next, captured);
        ReleaseChunks();
        _fbank.Reset();
        _segment = next;
        _discard = 0;
        _firstFrame = _frames = _samples = 0;
    }

    private void ReleaseChunks()
    {
        foreach (var chunk in _chunks)
            chunk.Release();
        _chunks.Clear();
    }

    /// <summary>Reads what is ready into the last chunk.</summary>
    private void AddFrames()
    {
        var inLast = (int)((_frames - _firstFrame) % FrameChunk.Frames);
        if (inLast == 0)
            _chunks.Add(FrameChunk.Rent(_bins));
        var room = _chunks[^1].From(inLast);
        var read = _fbank.Read(room);
        _frames += read;
        if (Observer is { WantsFrames: true } observer)
            observer.Framed(room[..(read * _bins)], _bins);
    }

    /// <summary>Lets go of chunks before the last window's worth of frames, which the last window of the segment may need.</summary>
    private void DropFrames()
    {
        var drop = (int)Math.Max(0, (_frames - _kept - _firstFrame) / FrameChunk.Frames);
        for (var i = 0; i < drop; i++)
            _chunks[i].Release();
        _chunks.RemoveRange(0, drop);
        _firstFrame += (long)drop * FrameChunk.Frames;
    }
}
