using AstStream.Events;

namespace AstStream.Streaming.Telemetry;

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
        ref var total = ref state == CoverageState.Analysed
            ? ref _analysed : ref state == CoverageState.Gated ? ref _gated : ref _lost[(int)reason];
        Interlocked.Add(ref total, samples);
    }
}
