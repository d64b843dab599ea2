using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using AstStream.Dsp;

namespace AstStream.Tests;

/// <summary>The reference vectors beside the tests: what transformers and torchaudio give for the same sound.</summary>
internal static partial class Reference
{
    public static readonly string[] Clips = ["bursts-12s", "chirp-10s24", "noise-3s", "silence-1s"];

    /// <summary>Every pair of two lists, as theory data.</summary>
    public static TheoryData<T1, T2> Pairs<T1, T2>(IEnumerable<T1> first, IReadOnlyCollection<T2> second)
    {
        var data = new TheoryData<T1, T2>();
        foreach (var (a, b) in first.SelectMany(a => second.Select(b => (a, b))))
            data.Add(a, b);
        return data;
    }

    /// <summary>A folder of the repository.</summary>
    public static string RepositoryFolder(string name)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AstStream.sln")))
            folder = Path.GetDirectoryName(folder.TrimEnd('/'))!;
        return Path.Combine(folder, name);
    }

    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "reference");

    public static string Wav(string name) => Path.Combine(Folder, "audio", name + ".wav");

    public static float[] Samples(string name)
    {
        using var reader = WavReader.Open(Wav(name));
        var samples = new float[reader.NumSamples!.Value];
        Assert.Equal(samples.Length, reader.Read(samples));
        return samples;
    }

    public static (int[] Shape, float[] Values) Npy(string path) => ParseNpy(File.ReadAllBytes(Path.Combine(Folder, path)));

    public static (int[] Shape, float[] Values) ParseNpy(byte[] bytes)
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        var header = Encoding.ASCII.GetString(bytes, 10, length);
        Assert.Contains("'<f4'", header, StringComparison.Ordinal);
        Assert.Contains("'fortran_order': False", header, StringComparison.Ordinal);
        int[] shape = [.. Numbers().Matches(header[header.IndexOf("'shape'", StringComparison.Ordinal)..])
            .Select(m => int.Parse(m.Value, CultureInfo.InvariantCulture))];
        var values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(10 + length)).ToArray();
        Assert.Equal(shape.Aggregate(1, (a, b) => a * b), values.Length);
        return (shape, values);
    }

    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= tolerance, $"at {i}: expected {expected[i]}, found {actual[i]}");
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbers();
}
