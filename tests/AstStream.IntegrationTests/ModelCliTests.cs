using System.Diagnostics;
using System.Text.Json;

namespace AstStream.IntegrationTests;

public sealed class ModelCliTests : IDisposable
{
    private static readonly string s_reference = Path.Combine(AppContext.BaseDirectory, "reference");
    private static readonly string s_small = Path.Combine(s_reference, "ast-small-16x16-t256");
    private static readonly string s_clip = Path.Combine(s_reference, "audio", "noise-3s.wav");
    private static readonly string[] s_smallFlags = ["--num-attention-heads", "3", "--frequency-stride", "16", "--time-stride", "16",
        "--max-length", "256"];

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-cli-").FullName;

    private string Target => Path.Combine(_folder, "target");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public async Task Info_FileThatIsAPipe_IsRefusedAtOnce(string name)
    {
        Directory.CreateDirectory(Target);
        foreach (var file in Directory.GetFiles(s_small).Where(f => Path.GetFileName(f) != name))
            File.Copy(file, Path.Combine(Target, Path.GetFileName(file)));
        using var made = Process.Start("mkfifo", [Path.Combine(Target, name)]);
        await made.WaitForExitAsync();

        var result = await Cli.RunAsync("model", "info", Target);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"{name}: 0 bytes, or no regular file; expected a ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_AuthorsFile_GivesAModelWithItsLabels()
    {
        var labels = Path.Combine(_folder, "labels.txt");
        File.WriteAllText(labels, "rain\nwind\nsea\nfire\nbirds\n\n");

        var result = await Cli.RunAsync(
            (string[])["model", "import", s_small + ".original.pth", "--to", Target, .. s_smallFlags, "--labels", labels]);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("57,029 parameters in F32, 5 labels, 2.56 s windows", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
        var classified = await Cli.RunAsync("classify", s_clip, "--model", Target, "--top-k", "5");
        foreach (var label in (string[])["rain", "wind", "sea", "fire", "birds"])
            Assert.Contains(label, classified.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a\nb\n", "--labels: has 2 labels")]
    [InlineData("a\nb\n\nd\ne\n", "labels.txt:3: is empty")]
    [InlineData("a\nb\nc\na\ne\n", "'a' stands 2 times")]
    public async Task Import_WrongLabels_SaysWhatIsWrong(string text, string message)
    {
        var labels = Path.Combine(_folder, "labels.txt");
        File.WriteAllText(labels, text);
        var result = await Cli.RunAsync(
            (string[])["model", "import", s_small + ".original.pth", "--to", Target, .. s_smallFlags, "--labels", labels]);
        AssertError(result, message);
        Assert.False(Directory.Exists(Target));
    }

    [Fact]
    public async Task Import_FlagsForAFolder_AreRefused() =>
        AssertError(await Cli.RunAsync("model", "import", s_small, "--to", Target, "--num-attention-heads", "3"),
            "--num-attention-heads: only for a .pth file");

    [Fact]
    public async Task Import_DiskFull_LeavesNothingThatLooksLikeAModel()
    {
        // A limit on file sizes is a disk that fills up in the middle of a file.
        var start = new ProcessStartInfo(
            "bash")
        { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(
            $"trap '' XFSZ; ulimit -f 100; exec dotnet exec '{Cli.Program}' model import '{s_small}.original.pth' --to '{Target}' "
                + $"{string.Join(' ', s_smallFlags)}");
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // the runtime's own mapping would not fit either
        using var process = Process.Start(start)!;

        var result = await Cli.FinishAsync(process);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("target: can't be written: ", result.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("nowhere.pth", "nowhere.pth: there is no such file or folder")]
    [InlineData("MIT/ast-finetuned", "for a model on the hub: hf://MIT/ast-finetuned")]
    [InlineData("https://huggingface.co/MIT/ast-finetuned", "for a model on the hub: hf://MIT/ast-finetuned")]
    [InlineData("hf://MIT", "expected hf://OWNER/NAME")]
    public async Task Import_WrongSource_SaysWhatToTry(string source, string message) =>
        AssertError(await Cli.RunAsync("model", "import", source, "--to", Target), message);

    [Fact]
    public async Task Bench_FallenBack_ShowsWhatReallyRan()
    {
        var result = await Cli.RunAsync(
            "bench", "model", s_small, "--batch", "1", "--runs", "1", "--precision", "float16,float32", "--providers", "cuda", "--fallback",
            "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        if (!result.Error.Contains("cuda can't be had", StringComparison.Ordinal))
            return; // a machine with CUDA: nothing falls back
        Assert.Contains("float32 is used", result.Error, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(result.Output); // one line, not two
        Assert.Equal(
            ("cpu", "float32"),
            (json.RootElement.GetProperty("provider").GetString(), json.RootElement.GetProperty("precision").GetString()));
    }

    [Fact]
    public async Task Average_TwoFolders_GivesAModel()
    {
        var result = await Cli.RunAsync("model", "average", s_small, Copy("again"), "--to", Target);
        Assert.True(result.ExitCode == 0, result.Error);
        AssertError(await Cli.RunAsync("model", "average", s_small, s_small + "/", "--to", Target + "2"),
            "found 2 checkpoints, 1 of them different");
        AssertError(await Cli.RunAsync("model", "average", s_small, "--to", Target + "2"),
            "found 1 checkpoints, 1 of them different; expected two or more, each once");
        AssertError(await Cli.RunAsync("model", "average", s_small, Path.Combine(s_reference, "ast-small-10x10"), "--to", Target + "2"),
            "has another architecture than");
    }

    [Fact]
    public async Task Info_OtherWindow_ShowsTokensAndCostBeforeAndAfter()
    {
        var result = await Cli.RunAsync("model", "info", s_small, "--window", "1.28s");
        Assert.Contains("130 (8 × 16 patches + 2) → 66 (8 × 8 patches + 2)", result.Output, StringComparison.Ordinal);
        Assert.Contains("0.010 GMAC per window → 0.004 GMAC per window", result.Output, StringComparison.Ordinal);
        AssertError(await Cli.RunAsync("model", "info", s_small, "--window", "15ms"),
            "--window: found '15ms'; expected a multiple of 10ms");
        AssertError(await Cli.RunAsync("model", "info", s_small, "--window", "100ms"), "expected at least the patch's 16 frames");
    }

    [Fact]
    public async Task Outputs_SeveralNames_AreNumPyFilesOfTheirShapes()
    {
        var result = await Cli.RunAsync(
            "outputs", s_clip, "--model", s_small, "--to", Target, "--attention", "eager", "--output", "logits", "attentions",
            "hidden_states", "pooler_output", "last_hidden_state");
        Assert.True(result.ExitCode == 0, result.Error);
        foreach (var (name, shape) in (
            (string, string)[])[("logits", "(5,)"), ("attentions", "(2, 3, 130, 130)"), ("hidden_states", "(3, 130, 48)"),
            ("pooler_output", "(48,)"), ("last_hidden_state", "(130, 48)")])
            Assert.Contains(
                $"'shape': {shape}", System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(Target, name + ".npy"))[..128]),
                StringComparison.Ordinal);
        AssertError(await Cli.RunAsync("outputs", s_clip, "--model", s_small, "--to", Target, "--output", "attentions"),
            "expected eager attention");
    }

    [Fact]
    public async Task Bench_SmallModel_PrintsTheTableAndJson()
    {
        var table = await Cli.RunAsync("bench", "model", s_small, "--batch", "1,2", "--precision", "float32,int8", "--runs", "2");
        Assert.True(table.ExitCode == 0, table.Error);
        Assert.Contains(
            "| precision | batch | eager ms | sdpa ms | speed-up | windows/s | GMAC/s | of matmul peak | logit error |", table.Output,
            StringComparison.Ordinal);
        Assert.Equal(
            4, table.Output.Split('\n').Count(
            l => l.StartsWith("| float32 ", StringComparison.Ordinal) || l.StartsWith("| int8 ", StringComparison.Ordinal)));

        var lines = await Cli.RunAsync("bench", "model", s_small, "--batch", "1", "--attention", "sdpa", "--runs", "2", "--json");
        using var json = JsonDocument.Parse(lines.Output);
        Assert.True(json.RootElement.GetProperty("windows_per_second").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("sdpa_logit_error").GetDouble() < 1e-3);
    }

    [Theory]
    [InlineData(new string[0], "expected either DIR or --random")]
    [InlineData(new[] { "x", "--random", "base" }, "expected either DIR or --random")]
    [InlineData(new[] { "x", "--batch", "0" }, "--batch: expected whole numbers from 1 to 1024")]
    [InlineData(new[] { "x", "--precision", "float32,half" }, "--precision: found 'half'; expected float32, float16, bfloat16, int8")]
    [InlineData(new[] { "--random", "huge" }, "--random: found 'huge'; expected base, small, tiny")]
    public async Task Bench_WrongFlags_SayWhatIsExpected(string[] arguments, string message) =>
        AssertError(await Cli.RunAsync((string[])["bench", "model", .. arguments]), message);

    [Fact]
    public async Task Classify_PrecisionAndWindow_AreThoseAskedFor()
    {
        foreach (var flags in (string[][])[["--precision", "int8"], ["--attention", "eager"], ["--window", "1.28s"], ["--threads", "1"]])
        {
            var result = await Cli.RunAsync((string[])["classify", s_clip, "--model", s_small, .. flags]);
            Assert.True(result.ExitCode == 0, result.Error);
        }

        AssertError(await Cli.RunAsync("classify", s_clip, "--model", s_small, "--precision", "float16"), "float16 is not for the CPU");
    }

    private string Copy(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.Copy(Path.Combine(s_small, file), Path.Combine(folder, file));
        return folder;
    }

    private static void AssertError(Cli.Result result, string message)
    {
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.All(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            l => Assert.True(
            l.StartsWith("error: ", StringComparison.Ordinal) || l.StartsWith("for help: ", StringComparison.Ordinal)
            || l.StartsWith("warning: ", StringComparison.Ordinal), l));
    }
}
