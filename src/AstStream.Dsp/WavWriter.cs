using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AstStream.Dsp;

/// <summary>
/// Writes a WAV file of 16-bit PCM as it comes. The header is right whenever the file is closed; a file that is cut off says that it is
/// streamed.
/// </summary>
public sealed class WavWriter : IDisposable
{
    private const int HeaderLength = 44;
    private const uint Streamed = 0xFFFFFFFF;

    private readonly FileStream _file;
    private readonly int _sampleRate;
    private readonly int _channels;
    private readonly byte[] _bytes = new byte[65536];

    /// <summary>Creates the file.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="sampleRate">Samples a second.</param>
    /// <param name="channels">Interleaved channels.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public WavWriter(string path, int sampleRate, int channels)
    {
        (_sampleRate, _channels) = (sampleRate, channels);
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        WriteHeader(null);
    }

    /// <summary>Samples of all channels that were written.</summary>
    public long Samples { get; private set; }

    /// <summary>Samples in [-1, 1] as 16-bit PCM, little-endian, rounded; those beyond are clipped.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="bytes">Room for two bytes for each.</param>
    public static void ToPcm16(ReadOnlySpan<float> samples, Span<byte> bytes)
    {
        var rounded = MemoryMarshal.Cast<byte, short>(bytes)[..samples.Length];
        ToPcm16(samples, rounded);
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(rounded, rounded);
    }

    /// <summary>Samples in [-1, 1] as 16 bits, rounded; those beyond are clipped.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="rounded">Room for as many.</param>
    public static void ToPcm16(ReadOnlySpan<float> samples, Span<short> rounded)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i <= samples.Length - (2 * Vector256<float>.Count); i += 2 * Vector256<float>.Count)
                Vector256.NarrowWithSaturation(Scaled(samples[i..]), Scaled(samples[(i + Vector256<float>.Count)..])).CopyTo(rounded[i..]);
        }

        for (; i < samples.Length; i++)
            rounded[i] = (short)Math.Clamp(MathF.Round(samples[i] * 32768), short.MinValue, short.MaxValue);

        static Vector256<int> Scaled(ReadOnlySpan<float> from) => Vector256.ConvertToInt32(
            Vector256.Round(Vector256.Create(from) * 32768f));
    }

    /// <summary>Writes interleaved samples in [-1, 1], rounded; those beyond are clipped.</summary>
    public void Write(ReadOnlySpan<float> samples)
    {
        Samples += samples.Length;
        while (!samples.IsEmpty)
        {
            var part = samples[..Math.Min(samples.Length, _bytes.Length / 2)];
            samples = samples[part.Length..];
            ToPcm16(part, _bytes);
            _file.Write(_bytes, 0, 2 * part.Length);
        }
    }

    /// <summary>Writes the length into the header and closes the file.</summary>
    public void Dispose()
    {
        if (Samples * 2 + HeaderLength < Streamed)
        {
            _file.Position = 0;
            WriteHeader((uint)(Samples * 2));
        }

        _file.Dispose();
    }

    private void WriteHeader(uint? length)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], length + HeaderLength - 8 ?? Streamed);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], 16);
        BinaryPrimitives.WriteUInt16LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(header[22..], (ushort)_channels);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], (uint)_sampleRate);
        BinaryPrimitives.WriteUInt32LittleEndian(header[28..], (uint)(_sampleRate * _channels * 2));
        BinaryPrimitives.WriteUInt16LittleEndian(header[32..], (ushort)(_channels * 2));
        BinaryPrimitives.WriteUInt16LittleEndian(header[34..], 16);
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[40..], length ?? Streamed);
        _file.Write(header);
    }
}
