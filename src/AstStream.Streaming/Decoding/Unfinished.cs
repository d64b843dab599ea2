using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// What a stream's state says for whoever can't go on with it, as its model is another one: the coverage that no record accounts for yet,
/// and the events that were opened. They are closed where they stood, as the former model's.
/// </summary>
internal static class Unfinished
{
    private const int MostEvents = 10_000;

    public static byte[] Write(long coveredTo, CoverageInterval? coverage, string modelHash, IReadOnlyList<SoundEvent> open)
    {
        var bytes = new MemoryStream();
        using var state = new BinaryWriter(bytes);
        state.Write(coveredTo);
        state.Write(coverage is not null);
        if (coverage is not null)
        {
            state.Write((byte)coverage.State);
            state.Write((byte)coverage.Reason);
            state.Write(coverage.Start);
            state.Write(coverage.End);
            state.Write(coverage.EffectiveHop);
            state.Write(coverage.Source is { } source ? (sbyte)source : (sbyte)-1);
        }

        state.Write(open.Count);
        foreach (var e in open)
        {
            state.Write(e.Id);
            state.Write(e.Label);
            state.Write(e.Onset);
            state.Write(e.Offset);
            state.Write(e.Score);
            state.Write(e.MeanScore);
            e.Origin.Save(state);
            state.Write(e.HeardBy?.Hash ?? "");
            state.Write(e.HeardBy?.Precision ?? "");
            state.Write(e.HeardBy?.Provider ?? "");
        }

        state.Write(modelHash);
        return bytes.ToArray();
    }

    /// <summary>The records that finish it, and up to where the stream's time is accounted for by then.</summary>
    /// <param name="bytes">What was written.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="model">The models' name.</param>
    public static (long CoveredTo, IReadOnlyList<StreamRecord> Records) Read(byte[] bytes, StreamInfo stream, string model)
    {
        var (coveredTo, records) = (0L, new List<StreamRecord>());
        try
        {
            var state = new BinaryReader(new MemoryStream(bytes));
            coveredTo = state.ReadInt64();
            if (state.ReadBoolean())
            {
                var coverage = new CoverageInterval(
                    stream, model, (CoverageState)state.ReadByte(), (LossReason)state.ReadByte(), state.ReadInt64(),
                    state.ReadInt64(), state.ReadDouble(), state.ReadSByte() is >= 0 and var source ? (SourceState)source : null);
                if (coverage.End > coverage.Start && Enum.IsDefined(coverage.State) && Enum.IsDefined(coverage.Reason)
                    && double.IsFinite(coverage.EffectiveHop))
                    records.Add(coverage);
            }

            for (var left = Math.Min(state.ReadInt32(), MostEvents); left > 0; left--)
            {
                var closed = new SoundEvent(
                    state.ReadString(), EventState.Closed, stream, model, state.ReadString(), state.ReadDouble(), state.ReadDouble(),
                    state.ReadSingle(), state.ReadSingle())
                {
                    Origin = InputRange.Restore(state),
                    HeardBy = Identity(state.ReadString(), state.ReadString(), state.ReadString()),
                };
                if (double.IsFinite(closed.Onset + closed.Offset + closed.Score + closed.MeanScore))
                    records.Add(closed with { Decided = Math.Max(closed.Offset, ModelTime.Seconds(coveredTo)) });
            }

            Name(records, state.ReadString());
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            // Cut short: what was read holds.
        }

        return (coveredTo, records);
    }

    /// <summary>What comes last says which checkpoint heard the interval; states of before do not have it.</summary>
    private static void Name(List<StreamRecord> records, string hash)
    {
        if (records is [CoverageInterval coverage, ..])
            records[0] = coverage with { ModelHash = hash };
    }

    private static ModelIdentity? Identity(string hash, string precision, string provider) =>
        hash.Length > 0 ? new ModelIdentity(hash, precision, provider) : null;
}
