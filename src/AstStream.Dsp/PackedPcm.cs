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
        Span<int> history = stackalloc int[MostOrder + Part]; // the samples before the part, then its own
        Span<uint> values = stackalloc uint[Part];
        history[..MostOrder].Clear();
        var at = 0;
        for (var start = 0; start < samples.Length; start += Part)
        {
            var part = samples.Slice(start, Math.Min(Part, samples.Length - start));
            for (var i = 0; i < part.Length; i++)
                history[MostOrder + i] = part[i];
            var rests = values[..part.Length];
            var order = BestOrder(history[..(MostOrder + part.Length)]);
            Predict(history, order, rests);
            var parameter = BestParameter(rests);
            packed[at++] = (byte)((order << 5) | parameter);
            at += parameter == Verbatim ? WriteAll(part, packed[at..]) : WriteCodes(rests, parameter, packed[at..]);
            history.Slice(part.Length, MostOrder).CopyTo(history);
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

    /// <summary>The order of prediction that leaves the least over of a part, which begins after two samples before it.</summary>
    private static int BestOrder(ReadOnlySpan<int> history)
    {
        var (sum0, sum1, sum2) = (Vector<int>.Zero, Vector<int>.Zero, Vector<int>.Zero); // 2¹⁸ at most, times 256 / 4: no overflow
        long rest0 = 0, rest1 = 0, rest2 = 0;
        var i = MostOrder;
        for (; i <= history.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            var (x, x1, x2) = (new Vector<int>(history[i..]), new Vector<int>(history[(i - 1)..]), new Vector<int>(history[(i - 2)..]));
            sum0 += Vector.Abs(x);
            sum1 += Vector.Abs(x - x1);
            sum2 += Vector.Abs(x - x1 - x1 + x2);
        }

        for (; i < history.Length; i++)
        {
            rest0 += Math.Abs(history[i]);
            rest1 += Math.Abs(history[i] - history[i - 1]);
            rest2 += Math.Abs(history[i] - (2 * history[i - 1]) + history[i - 2]);
        }

        (rest0, rest1, rest2) = (rest0 + Vector.Sum(sum0), rest1 + Vector.Sum(sum1), rest2 + Vector.Sum(sum2));
        return rest1 <= rest0 && rest1 <= rest2 ? 1 : rest2 <= rest0 ? 2 : 0;
    }

    /// <summary>What prediction leaves over, signs folded in.</summary>
    private static void Predict(ReadOnlySpan<int> history, int order, Span<uint> values)
    {
        var i = 0;
        for (; i <= values.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            var (x, x1, x2) = (
                new Vector<int>(history[(i + 2)..]), new Vector<int>(history[(i + 1)..]), new Vector<int>(history[i..]));
            var rest = order switch { 0 => x, 1 => x - x1, _ => x - x1 - x1 + x2 };
            Vector.AsVectorUInt32((rest << 1) ^ (rest >> 31)).CopyTo(values[i..]);
        }

        for (; i < values.Length; i++)
        {
            var (x, x1, x2) = (history[i + 2], history[i + 1], history[i]);
            var rest = order switch { 0 => x, 1 => x - x1, _ => x - x1 - x1 + x2 };
            values[i] = (uint)((rest << 1) ^ (rest >> 31));
        }
    }

    /// <summary>The Rice parameter that suits the mean of some values; <see cref="Verbatim"/> where codes would take more.</summary>
    private static int BestParameter(ReadOnlySpan<uint> values)
    {
        var sums = Vector<uint>.Zero;
        uint sum = 0;
        var i = 0;
        for (; i <= values.Length - Vector<uint>.Count; i += Vector<uint>.Count)
            sums += new Vector<uint>(values[i..]);
        for (; i < values.Length; i++)
            sum += values[i];
        var mean = (sum + Vector.Sum(sums)) / (uint)values.Length;
        var parameter = mean < 2 ? 0 : BitOperations.Log2(mean);

        var (most, whole) = (new Vector<uint>(MostUnary), new Vector<uint>(MostUnary + WholeBits));
        var rest = new Vector<uint>(1 + (uint)parameter);
        (sums, sum) = (Vector<uint>.Zero, 0);
        for (i = 0; i <= values.Length - Vector<uint>.Count; i += Vector<uint>.Count)
        {
            var zeros = Vector.ShiftRightLogical(new Vector<uint>(values[i..]), parameter);
            sums += Vector.ConditionalSelect(Vector.LessThan(zeros, most), zeros + rest, whole);
        }

        for (; i < values.Length; i++)
            sum += values[i] >> parameter is < MostUnary and var zeros ? zeros + 1 + (uint)parameter : MostUnary + WholeBits;
        var bits = sum + Vector.Sum(sums);
        return bits < 16 * values.Length ? parameter : Verbatim;
    }

    private static int WriteAll(ReadOnlySpan<short> part, Span<byte> packed)
    {
        for (var i = 0; i < part.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(packed[(2 * i)..], part[i]);
        return 2 * part.Length;
    }

    private static int WriteCodes(ReadOnlySpan<uint> values, int parameter, Span<byte> packed)
    {
        var (at, bits, held) = (0, 0UL, 0); // bits that are not written yet, the first one highest; less than 8
        foreach (var value in values)
        {
            var zeros = (int)(value >> parameter);
            var (length, code) = zeros < MostUnary
                ? (zeros + 1 + parameter, (1U << parameter) | (value & ((1U << parameter) - 1))) : (MostUnary + WholeBits, value);
            bits |= (ulong)code << (64 - held - length);
            held += length;
            BinaryPrimitives.WriteUInt64BigEndian(packed[at..], bits);
            at += held >> 3;
            bits <<= held & ~7; // 7 and the longest code are less than 64
            held &= 7;
        }

        if (held > 0)
            packed[at++] = (byte)(bits >> 56);
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
