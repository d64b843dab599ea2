using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Station.Store;

namespace AstStream.IntegrationTests.Station;

/// <summary>A station as a person configures it.</summary>
public sealed class StationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", 44_100)]
    [InlineData("privacy: {labels: [Meow], threshold: 1}", 8_000)]
    public async Task Run_WithAStation_KeepsEachEventsSoundToTheSample(string more, int rate)
    {
        // Noise whose every sample is known, with bursts; at a rate that is not the model's.
        var sounds = Directory.CreateDirectory(Path.Combine(_folder, "sounds")).FullName;
        var random = new Random(rate);
        short[] samples = [.. Enumerable.Range(0, 60 * rate).Select(
            i => (short)(random.Next(-20, 20) * (i / rate % 10 is 4 or 5 ? 500 : 1)))];
        WriteWav(Path.Combine(sounds, "bursts.wav"), rate, samples);
        var path = Path.Combine(_folder, "p.yaml");
        await File.WriteAllTextAsync(path, $$"""
            sources: {sounds: {type: file, path: sounds} }
            events: {threshold: 0.1, related: keep}
            station:
              listen: none
              data: data
              clips: {pre: 1500ms, post: 700ms}
              {{more}}
            """);

        var result = await Cli.RunAsync("run", path);

        Assert.True(result.ExitCode == 0, result.Error);
        using var reader = StoreReader.Open(Path.Combine(_folder, "data", "events.db"));
        var events = reader.Events(new EventQuery()).ToList();
        Assert.True(events.Count >= 4, $"{events.Count} events");
        using var clips = ClipReader.Open(Path.Combine(_folder, "data", "events.db"));
        foreach (var e in events)
        {
            Assert.True(e.Clip is not null, $"{e.Event.Label} at {e.Event.Onset} has no clip");
            var clip = clips.Find(e.Clip)!;
            Assert.Equal((rate, 0L), (clip.SampleRate, clip.Missing));
            Assert.InRange(clip.Muted, 0, more.Length == 0 ? 0 : rate / 40); // a frame's rest at the stream's end is in no window
            var (onset, offset) = (e.Event.Onset * rate, e.Event.Offset * rate);
            Assert.True(
                clip.Start <= Math.Max(0, onset - (1.5 * rate) + 1) && clip.Start + clip.Samples >= Math.Min(offset, samples.Length),
                $"{e.Event.Label} at {e.Event.Onset} is not inside its clip");
            var heard = await ReadAsync(Path.Combine(_folder, "data", "clips", clip.File));
            Assert.Equal(clip.Samples, heard.Length);
            var kept = heard[..^(int)clip.Muted];
            Assert.True(samples.AsSpan((int)clip.Start, kept.Length).SequenceEqual(kept), $"clip {clip.Id} holds other sound");
        }
    }

    [Fact]
    public async Task Run_ACalibratedSource_ItsLevelsAreShownAndWritten()
    {
        Tones.Write(_folder, "tone.wav", 20); // a sine of -12.24 dB beside a full-scale one
        var path = Path.Combine(_folder, "p.yaml");
        var now = TimeProvider.System.GetUtcNow();
        var start = now.AddHours(-1).AddSeconds(10 - now.Second); // within one minute, whenever the test runs
        await File.WriteAllTextAsync(path, $$"""
            sources:
              yard: {type: file, path: tone.wav, gain: 6, calibration: 100, start_time: '{{start:yyyy-MM-ddTHH:mm:ssZ}}'}
            station: {data: data, listen: none}
            """);
        var run = await Cli.RunAsync("run", path);
        Assert.True(run.ExitCode == 0, run.Error);
        var store = Path.Combine(_folder, "data", "events.db");

        var csv = await Cli.RunAsync("levels", store, "--csv");
        Assert.True(csv.ExitCode == 0, csv.Error);
        var lines = csv.Output.Trim().Split('\n');
        var names = lines[0].Split(',');
        var rows = lines[1..].Select(l => l.Split(',')).ToList();
        // A minute of which less than half a second was heard has no level: one may begin there.
        Assert.InRange(rows.Sum(r => double.Parse(r[1], CultureInfo.InvariantCulture)), 19.45, 20.05);
        Assert.All(rows, r => Assert.Equal("dB SPL", r[2]));
        Assert.All(rows, r => Assert.Equal(84.7, double.Parse(r[Array.IndexOf(names, "band_400")], CultureInfo.InvariantCulture), 0.5));
        Assert.Contains("dB SPL", (await Cli.RunAsync("levels", store, "--stream", "yard")).Output, StringComparison.Ordinal);

        var wrong = await Cli.RunAsync("levels", store, "--stream", "yart");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("knows no stream 'yart'; did you mean 'yard'?", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AFolderThatAnotherRunHas_IsRefused()
    {
        var path = Path.Combine(_folder, "p.yaml");
        await File.WriteAllTextAsync(path, "sources: {mic: {type: stdin}}\nstation: {data: data, listen: none}\n");
        using var first = Cli.Start("run", path);
        while (!File.Exists(Path.Combine(_folder, "data", "events.db")))
            await Task.Delay(50);

        var second = await Cli.RunAsync("run", path);

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("can't be had by this run", second.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await Cli.FinishAsync(first, new byte[32_000])).ExitCode);
    }

    [Theory]
    [InlineData("listen: 0.0.0.0:8765", "can be reached by others; expected a password")]
    [InlineData("listen: 0.0.0.0:8765\n  tokens: {}", "can be reached by others; expected a password")]
    [InlineData("listen: porch", "found 'porch'; expected ADDRESS:PORT")]
    [InlineData("password: secret", "is no hash of a password; expected what aststream station password prints")]
    [InlineData("tokens: {read: [short]}", "a token of 5 characters; expected at least 16")]
    [InlineData("hosts: [http://x]", "found 'http://x'; expected names without a scheme or a port")]
    [InlineData("proxies: [proxy.example.org]", "found 'proxy.example.org'; expected IP addresses")]
    [InlineData("privacy: {labels: [Speach]}", "no model has the label 'Speach'; did you mean 'Speech'?")]
    [InlineData("clips: {labels: [Dogg]}", "no model has the label 'Dogg'; did you mean 'Dog'?")]
    [InlineData("clips: {pre: 40s, post: 30s}", "is shorter than pre and post together")]
    [InlineData("privacy: {threshold: 0.2}", "key 'labels' is missing")]
    [InlineData("retention: {clip: 3d}", "unknown key 'station.retention.clip'; did you mean 'clips'?")]
    public async Task Validate_MistakesInAStation_SaysWhereAndWhatIsExpected(string line, string message)
    {
        var path = Path.Combine(_folder, "p.yaml");
        await File.WriteAllTextAsync(path, $"sources: {{mic: {{type: stdin}}}}\nstation:\n  data: data\n  {line}\n");

        var result = await Cli.RunAsync("validate", path);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Contains($"{path}:", result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "data")));
    }

    private static void WriteWav(string path, int rate, short[] samples)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write("RIFF"u8);
        writer.Write(36 + (samples.Length * 2));
        writer.Write("WAVEfmt "u8);
        foreach (var field in (int[])[16, 0x00010001, rate, rate * 2, 0x00100002])
            writer.Write(field);
        writer.Write("data"u8);
        writer.Write(samples.Length * 2);
        writer.Write(MemoryMarshal.AsBytes<short>(samples));
    }

    private static async Task<short[]> ReadAsync(string path)
    {
        using var process = Process.Start(new ProcessStartInfo("ffmpeg", ["-v", "error", "-i", path, "-f", "s16le", "-"])
        { RedirectStandardOutput = true })!;
        using var bytes = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(bytes);
        await process.WaitForExitAsync();
        return MemoryMarshal.Cast<byte, short>(bytes.ToArray()).ToArray();
    }
}
