using System.Buffers.Binary;
using System.Numerics;

namespace AstStream.Dsp;

/// <summary>
/// 16-bit samples packed without loss, to about half their size for usual sound and never to much more than it: by parts of 256 samples,
/// what a fixed polynomial predictor leaves over, in Rice codes (A. Robinson, "SHORTEN: simple lossless and near-lossless waveform
/// compression", 1994). Packing takes a few nanoseconds a sample, so that the last seconds of thousands of streams can be kept in memory.
/// </summary>
public static class PackedPcm
{
    private const int Part = 256; // samples
    private const int MostOrder = 2;
    private const int Verbatim = 31; // in place of a Rice parameter: the samples as they are
    private const int MostUnary = 20; // zeros before a code; after as many the whole value follows
    private const int WholeBits = 18; // of a value: twice the largest magnitude of a second difference needs these

    /// <summary>The most bytes that some samples take.</summary>
    public static int MaxBytes(int samples) => (2 * samples) + (2 * ((samples / Part) + 1)) + sizeof(ulong);

    /// <summary>Packs samples; returns the bytes that they take.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="packed">Room for <see cref="MaxBytes"/>.</param>
    public static int Pack(ReadOnlySpan<short> samples, Span<byte> packed)
    {
        Span<uint> values = stackalloc uint[Part];
        var at = 0;
        for (var start = 0; start < samples.Length; start += Part)
        {
            var part = samples.Slice(start, Math.Min(Part, samples.Length - start));
            var order = BestOrder(samples[..start], part, values);
            var parameter = BestParameter(values[..part.Length]);
            packed[at++] = (byte)((order << 5) | parameter);
            at += parameter == Verbatim ? WriteAll(part, packed[at..]) : WriteCodes(values[..part.Length], parameter, packed[at..]);
        }

        return at;
    }

    /// <summary>Unpacks as many samples as were packed.</summary>
    /// <param name="packed">What <see cref="Pack"/> gave.</param>
    /// <param name="samples">Receives the samples.</param>
    public static void Unpack(ReadOnlySpan<byte> packed, Span<short> samples)
    {
        Span<uint> values = stackalloc uint[Part];
        for (var start = 0; start < samples.Length; start += Part)
        {
            var part = samples.Slice(start, Math.Min(Part, samples.Length - start));
            var (order, parameter) = (packed[0] >> 5, packed[0] & Verbatim);
            packed = packed[1..];
            if (parameter == Verbatim)
            {
                for (var i = 0; i < part.Length; i++)
                    part[i] = BinaryPrimitives.ReadInt16LittleEndian(packed[(2 * i)..]);
                packed = packed[(2 * part.Length)..];
                continue;
            }

            packed = packed[ReadCodes(packed, parameter, values[..part.Length])..];
            var (before, beforeThat) = Before(samples[..start]);
            for (var i = 0; i < part.Length; i++)
            {
                var rest = (int)(values[i] >> 1) ^ -(int)(values[i] & 1);
                var sample = rest + (order switch { 0 => 0, 1 => before, _ => (2 * before) - beforeThat });
                (before, beforeThat) = (sample, before);
                part[i] = (short)sample;
            }
        }
    }

    private static (int Last, int BeforeThat) Before(ReadOnlySpan<short> history) =>
        (history.Length > 0 ? history[^1] : 0, history.Length > 1 ? history[^2] : 0);

    /// <summary>The order of prediction that leaves the least over, and what it leaves, signs folded in.</summary>
    private static int BestOrder(ReadOnlySpan<short> history, ReadOnlySpan<short> part, Span<uint> values)
    {
        var (before, beforeThat) = Before(history);
        var (x1, x2) = (before, beforeThat);
        Span<long> sums = stackalloc long[MostOrder + 1];
        sums.Clear();
        foreach (var x in part)
        {
            sums[0] += Math.Abs((int)x);
            sums[1] += Math.Abs(x - x1);
            sums[2] += Math.Abs(x - (2 * x1) + x2);
            (x1, x2) = (x, x1);
        }

        var order = sums[1] <= sums[0] && sums[1] <= sums[2] ? 1 : sums[2] <= sums[0] ? 2 : 0;
        (x1, x2) = (before, beforeThat);
        for (var i = 0; i < part.Length; i++)
        {
            int x = part[i];
            var rest = x - (order switch { 0 => 0, 1 => x1, _ => (2 * x1) - x2 });
            values[i] = (uint)((rest << 1) ^ (rest >> 31));
            (x1, x2) = (x, x1);
        }

        return order;
    }

    /// <summary>The Rice parameter that suits the mean of some values; <see cref="Verbatim"/> where codes would take more.</summary>
    private static int BestParameter(ReadOnlySpan<uint> values)
    {
        long sum = 0;
        foreach (var value in values)
            sum += value;
        var mean = (uint)(sum / values.Length);
        var parameter = mean < 2 ? 0 : BitOperations.Log2(mean);
        long bits = 0;
        foreach (var value in values)
            bits += (value >> parameter) is < MostUnary and var zeros ? zeros + 1 + parameter : MostUnary + WholeBits;
        return bits < 16L * values.Length ? parameter : Verbatim;
    }

    private static int WriteAll(ReadOnlySpan<short> part, Span<byte> packed)
    {
        for (var i = 0; i < part.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(packed[(2 * i)..], part[i]);
        return 2 * part.Length;
    }

    private static int WriteCodes(ReadOnlySpan<uint> values, int parameter, Span<byte> packed)
    {
        var (at, bits, held) = (0, 0UL, 0); // bits that are not written yet, the last one lowest
        foreach (var value in values)
        {
            var zeros = value >> parameter;
            var isWhole = zeros >= MostUnary;
            var length = isWhole ? MostUnary + WholeBits : (int)zeros + 1 + parameter;
            var code = isWhole ? value : (1UL << parameter) | (value & ((1U << parameter) - 1));
            if (held + length > 64)
            {
                // Less than 8 bits are left after this.
                for (; held >= 8; held -= 8)
                    packed[at++] = (byte)(bits >> (held - 8));
            }

            bits = (bits << length) | code;
            held += length;
            for (; held >= 32; held -= 32, at += 4)
                BinaryPrimitives.WriteUInt32BigEndian(packed[at..], (uint)(bits >> (held - 32)));
        }

        for (; held >= 8; held -= 8)
            packed[at++] = (byte)(bits >> (held - 8));
        if (held > 0)
            packed[at++] = (byte)(bits << (8 - held));
        return at;
    }

    private static int ReadCodes(ReadOnlySpan<byte> packed, int parameter, Span<uint> values)
    {
        var (at, bits, held) = (0, 0UL, 0); // bits that are read and not used, the first one highest
        for (var i = 0; i < values.Length; i++)
        {
            for (; held <= 56 && at < packed.Length; held += 8)
                bits |= (ulong)packed[at++] << (56 - held);
            var zeros = BitOperations.LeadingZeroCount(bits);
            if (zeros >= MostUnary)
            {
                values[i] = (uint)(bits << MostUnary >> (64 - WholeBits));
                bits <<= MostUnary + WholeBits;
                held -= MostUnary + WholeBits;
                continue;
            }

            var rest = bits << (zeros + 1);
            values[i] = ((uint)zeros << parameter) | (parameter == 0 ? 0 : (uint)(rest >> (64 - parameter)));
            bits = rest << parameter;
            held -= zeros + 1 + parameter;
        }

        return at - (held / 8);
    }
}
