using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>What became of an interval of a stream's time.</summary>
public enum CoverageState
{
    /// <summary>The model scored it.</summary>
    Analysed,

    /// <summary>It stayed within the stream's noise floor, and the gate kept it from the model.</summary>
    Gated,

    /// <summary>It was not heard, or not scored.</summary>
    Lost,
}

/// <summary>Why an interval was lost. The names of metrics and records are these in snake_case.</summary>
public enum LossReason
{
    /// <summary>It was not lost.</summary>
    None,

    /// <summary>More windows came than the model can score; the oldest ones were dropped.</summary>
    Overload,

    /// <summary>Blocks came faster than the front end could take them.</summary>
    Overrun,

    /// <summary>Samples are missing in the input.</summary>
    Gap,

    /// <summary>The device, or the connection to it, was away.</summary>
    DeviceAway,

    /// <summary>The device or the connection was there, but no sound came.</summary>
    Stalled,

    /// <summary>The input could not be decoded.</summary>
    DecodeError,

    /// <summary>A piece between two breaks that is shorter than one frame of 25 ms.</summary>
    TooShort,

    /// <summary>The stream broke its own rules, or its source failed.</summary>
    Fault,
}

/// <summary>Words as metrics and records write them.</summary>
public static class CoverageWords
{
    /// <summary>The reason in snake_case.</summary>
    public static string SnakeCase(this LossReason reason) => reason switch
    {
        LossReason.DeviceAway => "device_away",
        LossReason.DecodeError => "decode_error",
        LossReason.TooShort => "too_short",
        _ => reason.ToString().ToLowerInvariant(),
    };

    /// <summary>What became of an interval, in lower case.</summary>
    public static string SnakeCase(this CoverageState state) => state.ToString().ToLowerInvariant();

    /// <summary>An event's state in lower case.</summary>
    public static string SnakeCase(this EventState state) => state.ToString().ToLowerInvariant();

    /// <summary>A source's state in lower case.</summary>
    public static string SnakeCase(this SourceState state) => state.ToString().ToLowerInvariant();

    /// <summary>What a source was like while sound was lost for a reason; null where the reason does not tell.</summary>
    internal static SourceState? SourceState(this LossReason reason) => reason switch
    {
        LossReason.DeviceAway or LossReason.DecodeError => Streaming.SourceState.Away,
        LossReason.Stalled => Streaming.SourceState.Stalled,
        LossReason.Fault => Streaming.SourceState.Failed,
        _ => null,
    };
}

/// <summary>Something that sinks can publish.</summary>
/// <param name="Stream">The stream that it is about.</param>
/// <param name="Model">The model that heard, or did not hear, by its name in the pipeline.</param>
public abstract record StreamRecord(StreamInfo Stream, string Model)
{
    /// <summary>The number of the first checkpoint of its stream and model behind it; 0 where nobody asks for checkpoints.</summary>
    public long Checkpoint { get; init; }

    /// <summary>When the sound that decided it was there, by the clock's timestamps.</summary>
    internal long Captured { get; init; }
}

/// <summary>
/// One interval of a stream's time and what became of it. A stream's records of one model follow each other without hole or overlap
/// from its first sample to its last.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model.</param>
/// <param name="State">What became of it.</param>
/// <param name="Reason">Why it was lost; None where it was not.</param>
/// <param name="Start">Its first sample at 16 kHz, counted from the stream's start.</param>
/// <param name="End">The sample behind its last one.</param>
/// <param name="EffectiveHop">The longest hop of the windows in it, in seconds; 0 where none was analysed.</param>
/// <param name="Source">What its source was like then; null where nobody watches the source.</param>
public sealed record CoverageInterval(
    StreamInfo Stream, string Model, CoverageState State, LossReason Reason, long Start, long End, double EffectiveHop, SourceState? Source = null) : StreamRecord(Stream, Model);

/// <summary>How many samples at 16 kHz became what.</summary>
public sealed class CoverageTotals
{
    private readonly long[] _lost = new long[Enum.GetValues<LossReason>().Length];
    private long _analysed;
    private long _gated;

    /// <summary>Samples that the model scored.</summary>
    public long Analysed => Interlocked.Read(ref _analysed);

    /// <summary>Samples that the gate kept from the model.</summary>
    public long Gated => Interlocked.Read(ref _gated);

    /// <summary>Samples that were lost.</summary>
    public long Lost => Enum.GetValues<LossReason>().Sum(LostTo);

    /// <summary>All of them: the whole time of all streams that is decided.</summary>
    public long Total => Analysed + Gated + Lost;

    /// <summary>Samples that were lost for a reason.</summary>
    public long LostTo(LossReason reason) => Interlocked.Read(ref _lost[(int)reason]);

    internal void Add(CoverageState state, LossReason reason, long samples)
    {
        ref var total = ref state == CoverageState.Analysed ? ref _analysed : ref state == CoverageState.Gated ? ref _gated : ref _lost[(int)reason];
        Interlocked.Add(ref total, samples);
    }
}

/// <summary>
/// One stream's ledger for one model: takes intervals in order, each joining the last one, and gives records of equal neighbours
/// merged. For one thread at a time.
/// </summary>
internal sealed class CoverageLedger(StreamInfo stream, string model, CoverageTotals totals, long longest, long start = 0)
{
    private long _start = start; // of the record that is not finished
    private double _effectiveHop;

    /// <summary>The sample behind the last interval.</summary>
    public long End { get; private set; } = start;

    /// <summary>What the last interval was.</summary>
    public (CoverageState State, LossReason Reason, SourceState? Source) Last { get; private set; } = (CoverageState.Lost, LossReason.TooShort, null);

    /// <summary>Takes an interval; returns the record that is finished by it, if one is.</summary>
    /// <exception cref="InvalidOperationException">It does not join the last one: time would be counted twice or not at all.</exception>
    public CoverageInterval? Add(CoverageState state, LossReason reason, long start, long end, double effectiveHop, SourceState? source = null)
    {
        if (start != End || end < start)
            throw new InvalidOperationException($"stream {stream.Id}: an interval from {start} to {end} behind one that ended at {End}");
        if (end == start)
            return null;

        // Long records end at times too, so that whoever reads them knows that somebody listened.
        var finished = Last == (state, reason, source) && end - _start <= longest ? null : Close();
        totals.Add(state, reason, end - start);
        _effectiveHop = Math.Max(_effectiveHop, effectiveHop);
        (End, Last) = (end, (state, reason, source));
        return finished;
    }

    /// <summary>Writes where it stands, so that another ledger can go on from here.</summary>
    public void Save(BinaryWriter state)
    {
        state.Write(_start);
        state.Write(End);
        state.Write(_effectiveHop);
        state.Write((byte)Last.State);
        state.Write((byte)Last.Reason);
        state.Write(Last.Source is { } source ? (sbyte)source : (sbyte)-1);
    }

    /// <summary>Takes over where another ledger stood.</summary>
    public void Restore(BinaryReader state)
    {
        _start = state.ReadInt64();
        End = state.ReadInt64();
        _effectiveHop = state.ReadDouble();
        var (last, reason, source) = ((CoverageState)state.ReadByte(), (LossReason)state.ReadByte(), state.ReadSByte());
        Last = (last, reason, source < 0 ? null : (SourceState)source);
    }

    /// <summary>The record that is not finished yet, if there is one.</summary>
    public CoverageInterval? Close()
    {
        var record = End == _start ? null : new CoverageInterval(stream, model, Last.State, Last.Reason, _start, End, _effectiveHop, Last.Source);
        _start = End;
        _effectiveHop = 0;
        return record;
    }
}
