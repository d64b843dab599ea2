using AstStream.Events;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// One stream's ledger for one model: takes intervals in order, each joining the last one, and gives records of equal neighbours
/// merged. For one thread at a time.
/// </summary>
/// <param name="stream">The stream.</param>
/// <param name="model">The model.</param>
/// <param name="totals">Receives every interval.</param>
/// <param name="longest">Samples of a record at most.</param>
/// <param name="start">Where it begins.</param>
/// <param name="last">What the time before that was; null where nothing was.</param>
internal sealed class CoverageLedger(
    StreamIdentity stream, string model, CoverageTotals totals, long longest, long start = 0,
    (CoverageState State, LossReason Reason, SourceState? Source)? last = null)
{
    private long _start = start; // of the record that is not finished
    private double _effectiveHop;

    /// <summary>The sample after the last interval.</summary>
    public long End { get; private set; } = start;

    /// <summary>What the last interval was.</summary>
    public (CoverageState State, LossReason Reason, SourceState? Source) Last { get; private set; } =
        last ?? (CoverageState.Lost, LossReason.TooShort, null);

    /// <summary>Takes an interval; returns the record that is finished by it, if one is.</summary>
    /// <exception cref="InvalidOperationException">It does not join the last one: time would be counted twice or not at all.</exception>
    public CoverageInterval? Add(
        CoverageState state, LossReason reason, long start, long end, double effectiveHop, SourceState? source = null)
    {
        if (start != End || end < start)
            throw new InvalidOperationException($"stream {stream.Id}: an interval from {start} to {end} after one that ended at {End}");
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
    public CoverageInterval? Pending => End == _start
        ? null : new CoverageInterval(stream, model, Last.State, Last.Reason, _start, End, _effectiveHop, Last.Source);

    /// <summary>Finishes it.</summary>
    public CoverageInterval? Close()
    {
        var record = Pending;
        _start = End;
        _effectiveHop = 0;
        return record;
    }
}
