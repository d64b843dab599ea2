using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AstStream.Dsp;

namespace AstStream.Connectors.Files;

/// <summary>
/// FLAC files that are small enough to be decoded in memory, where libsndfile is there: a process of ffmpeg's takes longer to start than a
/// clip takes to be heard.
/// </summary>
internal static class SmallFlac
{
    private const int MostBytes = 8_000_000;
    private const int MostSamples = 10_000_000; // of all channels
    private const int HeaderLength = 44;
    private const short Float = 3; // WAVE_FORMAT_IEEE_FLOAT

    /// <summary>Opens a file; null where ffmpeg is to be asked, which also says what is wrong with it.</summary>
    public static WavReader? TryOpen(string path, int? channel)
    {
        try
        {
            using var file = RegularFile.Open(path);
            if (file.Length is < 4 or > MostBytes)
                return null;
            Span<byte> mark = stackalloc byte[4];
            file.ReadExactly(mark);
            if (!mark.SequenceEqual("fLaC"u8))
                return null;
            file.Position = 0;
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            var samples = new List<float>();
            var format = FlacReader.Decode(bytes, MostSamples, samples);
            return new WavReader(new MemoryStream(Wav(format, CollectionsMarshal.AsSpan(samples))), path, channel);
        }
        catch (Exception e) when (e is InvalidAudioException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static byte[] Wav(PcmFormat format, ReadOnlySpan<float> samples)
    {
        var data = MemoryMarshal.AsBytes(samples);
        var frame = format.Channels * sizeof(float);
        var wav = new byte[HeaderLength + data.Length];
        "RIFF"u8.CopyTo(wav);
        BinaryPrimitives.WriteInt32LittleEndian(wav.AsSpan(4), wav.Length - 8);
        "WAVEfmt "u8.CopyTo(wav.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(wav.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(wav.AsSpan(20), Float);
        BinaryPrimitives.WriteInt16LittleEndian(wav.AsSpan(22), (short)format.Channels);
        BinaryPrimitives.WriteInt32LittleEndian(wav.AsSpan(24), format.SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(wav.AsSpan(28), format.SampleRate * frame);
        BinaryPrimitives.WriteInt16LittleEndian(wav.AsSpan(32), (short)frame);
        BinaryPrimitives.WriteInt16LittleEndian(wav.AsSpan(34), 8 * sizeof(float));
        "data"u8.CopyTo(wav.AsSpan(36));
        BinaryPrimitives.WriteInt32LittleEndian(wav.AsSpan(40), data.Length);
        data.CopyTo(wav.AsSpan(HeaderLength));
        return wav;
    }
}
