using System.Buffers.Binary;
using System.Text.Json;

namespace AstStream.IntegrationTests;

/// <summary>The commands for single clips, as a person calls them.</summary>
public sealed class ClipCliTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-clips-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Classify_CacheThatCannotBeWritten_WarnsAndKeepsItForItself()
    {
        var clip = Path.Combine(AppContext.BaseDirectory, "reference/audio/noise-3s.wav");

        using var process = Cli.Start(new Dictionary<string, string?> { ["ASTSTREAM_CACHE"] = "/proc/nowhere" }, "classify", clip);
        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("can't be kept here", result.Error, StringComparison.Ordinal);
        var kept = result.Error[result.Error.IndexOf("/tmp/aststream-cache-", StringComparison.Ordinal)..].Trim();
        Assert.False(Directory.Exists(kept));
    }

    [Fact]
    public async Task Classify_GoodAndBadFiles_AnswersTheGoodNamesTheBadExitCode3()
    {
        var good = Tones.Write(_folder, "good.wav", 5);
        var text = Path.Combine(_folder, "text.wav");
        await File.WriteAllTextAsync(text, "no sound at all");
        var missing = Path.Combine(_folder, "missing.wav");

        var result = await Cli.RunAsync("classify", text, good, missing, "--json", "--top-k", "3");

        Assert.Equal(3, result.ExitCode);
        Assert.Equal(2, result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("text.wav: not a WAV file", result.Error, StringComparison.Ordinal);
        Assert.Contains("missing.wav: no such file", result.Error, StringComparison.Ordinal);
        var answer = JsonSerializer.Deserialize<JsonElement>(
            Assert.Single(result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(good, answer.GetProperty("file").GetString());
        var scores = answer.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("score").GetDouble()).ToList();
        Assert.Equal(3, scores.Count);
        Assert.Equal(scores.OrderDescending(), scores);
    }

    [Fact]
    public async Task Classify_FunctionToApplyNone_GivesLogitsOfTheScores()
    {
        var file = Tones.Write(_folder, "tone.wav", 5);

        var logits = await Scores(file, "none");
        var sigmoid = await Scores(file, "auto");

        Assert.Equal(531, logits.Count);
        Assert.All(logits, l => Assert.Equal(1 / (1 + Math.Exp(-l.Value)), sigmoid[l.Key], 1e-5));
        Assert.Equal(1, (await Scores(file, "softmax")).Values.Sum(), 1e-4);
    }

    [Fact]
    public async Task Classify_AnyClip_LeavesNothingOfTheRuntimesReporting()
    {
        using var process = Cli.Start(
            new Dictionary<string, string?> { ["HOME"] = _folder, ["XDG_CACHE_HOME"] = null, ["ASTSTREAM_CACHE"] = null }, "classify",
            Tones.Write(_folder, "tone.wav", 1));

        Assert.Equal(0, (await Cli.FinishAsync(process)).ExitCode);

        Assert.Equal([Path.Combine(_folder, ".cache", "aststream")], Directory.EnumerateDirectories(Path.Combine(_folder, ".cache")));
    }

    [Fact]
    public async Task Classify_LongClipWithSamplesThatAreNoNumbers_AnswersAndWarns()
    {
        var path = Tones.Write(_folder, "nan.wav", 12);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[20] = 3; // float
        bytes[34] = 32; // bits, with the block of four bytes that go with them
        bytes[32] = 4;
        BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(48), float.NaN);
        await File.WriteAllBytesAsync(path, bytes);

        var result = await Cli.RunAsync("classify", path, "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("samples were not finite or absurdly large", result.Error, StringComparison.Ordinal);
        Assert.StartsWith("{", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Features_Clip_WritesNumPyFiles()
    {
        var file = Tones.Write(_folder, "tone.wav", 1);
        var raw = Path.Combine(_folder, "raw.npy");
        var values = Path.Combine(_folder, "values.npy");

        Assert.Equal(0, (await Cli.RunAsync("features", file, "--out", raw, "--raw")).ExitCode);
        Assert.Equal(0, (await Cli.RunAsync("features", file, "--out", values)).ExitCode);

        Assert.Contains("'descr': '<f4', 'fortran_order': False, 'shape': (98, 128)", Header(raw, 98 * 128), StringComparison.Ordinal);
        Assert.Contains("'shape': (512, 128)", Header(values, 512 * 128), StringComparison.Ordinal);
    }

    private static async Task<Dictionary<string, double>> Scores(string file, string function)
    {
        var result = await Cli.RunAsync("classify", file, "--json", "--top-k", "531", "--function-to-apply", function);
        Assert.Equal(0, result.ExitCode);
        return JsonSerializer.Deserialize<JsonElement>(result.Output).GetProperty("results").EnumerateArray()
            .ToDictionary(r => r.GetProperty("label").GetString()!, r => r.GetProperty("score").GetDouble());
    }

    private static string Header(string path, int values)
    {
        var bytes = File.ReadAllBytes(path);
        Assert.Equal([0x93, .. "NUMPY"u8, 1, 0], bytes[..8]);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        Assert.Equal(0, (10 + length) % 64);
        Assert.Equal(10 + length + (4 * values), bytes.Length);
        return System.Text.Encoding.ASCII.GetString(bytes, 10, length);
    }
}
