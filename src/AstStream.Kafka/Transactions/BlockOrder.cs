using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// The blocks of one stream, put in order by their sample index: what joins goes on at once, what comes too early is held until what is
/// missing comes, or is counted as lost. The pump's alone.
/// </summary>
internal sealed class BlockOrder
{
    private const int MostHeld = 256; // blocks

    private static readonly TimeSpan s_farthest = TimeSpan.FromDays(7); // that a sample index may jump

    private readonly List<AudioBlock> _held = []; // by their starts; time is missing before the first one
    private int _countRate;

    /// <summary>The sample that follows the last block that came.</summary>
    public long Count { get; private set; }

    /// <summary>The sample that comes next.</summary>
    public long Position { get; private set; }

    /// <summary>The rate that samples are counted at.</summary>
    public int Rate { get; private set; }

    /// <summary>Goes on where another worker stopped.</summary>
    /// <param name="count">The sample that follows the last block that came.</param>
    /// <param name="position">The sample that comes next.</param>
    /// <param name="rate">Their rate.</param>
    public void Restore(long count, long position, int rate) => (Count, Position, Rate, _countRate) = (count, position, rate, rate);

    /// <summary>The next sample is another one.</summary>
    public void Begin(long position, int rate) => (Position, Rate) = (position, rate);

    /// <summary>Another session counts from its own start.</summary>
    public void Clear() => (Count, Position) = (0, 0);

    /// <summary>Samples are counted at another rate from here on.</summary>
    public void Change(int rate) => (Position, Rate) = (AtRate(Position, Rate, rate), rate);

    /// <summary>Where the next block begins that does not say it.</summary>
    public long NextSample(int rate) => AtRate(Count, _countRate, rate);

    /// <summary>A block came, needed or not.</summary>
    public void Received(long start, int samples, int rate) => (Count, _countRate) = (start + samples, rate);

    /// <summary>
    /// Whether all of a block of so many samples from a sample on is known already. A stream that is new may begin anywhere: it may have
    /// rested for long.
    /// </summary>
    /// <exception cref="InvalidBlockException">The block can't belong there.</exception>
    public bool Knows(long start, int samples, int rate, bool isNew)
    {
        var expected = AtRate(Position, Rate, rate);
        if (!isNew && start - expected > s_farthest.TotalSeconds * rate)
            throw new InvalidBlockException(
                $"header {BlockFormat.FirstSampleHeader} jumps from {expected} to {start}, by {(start - expected) / rate / 86400} days; "
                    + $"expected at most {s_farthest.Days}; a device that starts over sends another {BlockFormat.SessionHeader}");
        return start + samples <= expected
            || _held.Any(h => h.SampleRate == rate && h.Start <= start && h.Start + h.Samples.Length >= start + samples);
    }

    /// <summary>How many seconds a block lies before the sample that is expected.</summary>
    public double Behind(long start, int rate) => (double)(AtRate(Position, Rate, rate) - start) / rate;

    /// <summary>Passes a block on, and those that were held for it; or holds it.</summary>
    /// <param name="stream">The stream in the graph.</param>
    /// <param name="block">The block.</param>
    /// <param name="reorder">How much sound is held at most.</param>
    /// <param name="output">Where sound goes.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask WriteAsync(
        StreamInfo stream, AudioBlock block, TimeSpan reorder, SourceOutput output, CancellationToken cancellation)
    {
        if (block.SampleRate != Rate)
        {
            await FlushAsync(stream, output, cancellation).ConfigureAwait(false);
            Change(block.SampleRate);
            var next = Math.Max(Position, block.Start);
            await output.SkipAsync(stream, Rate, next, LossReason.Gap, cancellation).ConfigureAwait(false);
            Position = next;
        }

        _held.Insert(_held.TakeWhile(h => h.Start <= block.Start).Count(), block);
        await DrainAsync(output, cancellation).ConfigureAwait(false);
        while (_held.Count > 0
            && (_held.Count > MostHeld || _held.Sum(h => (long)h.Samples.Length) > reorder.TotalSeconds * Rate))
            await MissAsync(stream, output, cancellation).ConfigureAwait(false);
    }

    /// <summary>What is held is passed on: what is missing before it will not come.</summary>
    public async ValueTask FlushAsync(StreamInfo stream, SourceOutput output, CancellationToken cancellation)
    {
        while (_held.Count > 0)
            await MissAsync(stream, output, cancellation).ConfigureAwait(false);
    }

    /// <summary>Lets go of what is held.</summary>
    public void Return()
    {
        foreach (var block in _held)
            block.Return();
        _held.Clear();
    }

    private static long AtRate(long sample, int from, int to) =>
        from == to || from == 0 ? sample : (long)((((Int128)sample * to) + from - 1) / from);

    /// <summary>The samples before the first block that is held will not come.</summary>
    private async ValueTask MissAsync(StreamInfo stream, SourceOutput output, CancellationToken cancellation)
    {
        if (_held[0].Start > Position)
        {
            Position = _held[0].Start;
            await output.SkipAsync(stream, Rate, Position, LossReason.Gap, cancellation).ConfigureAwait(false);
        }

        await DrainAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>Passes on the blocks that join.</summary>
    private async ValueTask DrainAsync(SourceOutput output, CancellationToken cancellation)
    {
        while (_held.Count > 0 && _held[0].Start <= Position)
        {
            var block = _held[0];
            _held.RemoveAt(0);
            var known = (int)Math.Min(Position - block.Start, block.Samples.Length);
            var rest = block.Samples.Length - known;
            if (known > 0 && rest > 0)
            {
                var part = AudioBlock.Rent(block.Stream, Position, Rate, rest);
                block.Samples[known..].CopyTo(part.Samples);
                block.Return();
                block = part;
            }

            if (rest == 0)
            {
                block.Return();
                continue;
            }

            Position += rest;
            await output.WriteAsync(block, cancellation).ConfigureAwait(false);
        }
    }
}
