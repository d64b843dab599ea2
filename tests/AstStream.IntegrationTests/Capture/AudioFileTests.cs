using System.Diagnostics;
using AstStream.Connectors.Files;
using AstStream.Connectors.Programs;

namespace AstStream.IntegrationTests.Capture;

/// <summary>Files of every format, good and bad, by ffmpeg and without it.</summary>
public sealed class AudioFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-files-").FullName;

    public void Dispose()
    {
        using var remove = Process.Start("rm", ["-r", _folder]); // .NET can't remove names that are no UTF-8
        remove.WaitForExit();
    }

    [Theory]
    [InlineData("flac", 0)]
    [InlineData("wav -c:a adpcm_ms", 0.02)]
    [InlineData("aiff", 0)]
    [InlineData("mp3 -b:a 192k", 0.05)]
    [InlineData("ogg -c:a libvorbis", 0.05)]
    [InlineData("mka -c:a libopus", 0.05)]
    public async Task Open_AnyFormat_GivesItsSound(string format, double tolerance)
    {
        var words = format.Split(' ');
        var file = await EncodeAsync("x." + words[0], ["-f", "lavfi", "-i", "sine=440:r=48000:d=2", .. words[1..]]);
        var wanted = await ReadAsync(await EncodeAsync("y.wav", ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"]));

        var read = await ReadAsync(file);

        Assert.InRange(read.Length, wanted.Length - 100, wanted.Length + 4000); // MP3 and Opus pad
        var rms = Math.Sqrt(wanted.Average(s => (double)s * s));
        Assert.Equal(rms, Math.Sqrt(read.Average(s => (double)s * s)), Math.Max(1e-6, rms * tolerance));
        if (tolerance == 0)
            Assert.Equal(wanted, read);
    }

    [Fact]
    public async Task Open_SixtyFourChannels_MixesOrPicks()
    {
        var file = await EncodeAsync(
            "many.wav", ["-f", "lavfi", "-i",
            "aevalsrc=" + string.Join('|', Enumerable.Range(0, 64).Select(c => $"{c / 100.0}")) + ":d=0.5:s=16000", "-c:a", "pcm_f32le"]);

        await using (var mix = await AudioFile.OpenAsync(file))
            Assert.Equal(0.315f, Some(mix), 1e-4f);
        await using var picked = await AudioFile.OpenAsync(file, 40);
        Assert.Equal(0.40f, Some(picked), 1e-4f);
    }

    [Theory]
    [InlineData("empty.mp3", "", "empty.mp3: the file is empty")]
    [InlineData("text.mp3", "no sound, only words",
        "not a WAV file: it begins with 'no s', expected RIFF, RF64 or BW64; nor what ffmpeg can read")]
    [InlineData("video.mp4", null, "there is no sound in it")]
    [InlineData("-dash.wav", "x", "not a WAV file")]
    [InlineData("http:/x.mp3", "", "no such file")]
    [InlineData("page.mp3", "<!DOCTYPE html><title>log in</title>", "is an HTML page in place of sound")]
    [InlineData("lfs.wav", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "is a pointer of Git LFS")]
    [InlineData("list.mp3", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nprivate.flac\n#EXT-X-ENDLIST\n", "it is a list that leads "
        + "elsewhere")]
    [InlineData("list.ogg", "ffconcat version 1.0\nfile private.flac\n", "it is a list that leads elsewhere")]
    public async Task Classify_BadFile_SaysWhyAndDoesTheOthers(string name, string? content, string message)
    {
        var bad = Path.Combine(_folder, name);
        if (content is null)
            await EncodeAsync(name, ["-f", "lavfi", "-i", "testsrc=d=1", "-an"]);
        else if (!name.Contains('/', StringComparison.Ordinal))
            await File.WriteAllTextAsync(bad, content);
        var good = await EncodeAsync("good.flac", ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"]);

        var result = await Cli.RunAsync("classify", bad, good, "--json");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(message, Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Contains("good.flac", Assert.Single(result.Output.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FolderOfManyFormats_HearsThemAll()
    {
        foreach (var name in (string[])["a.flac", "b.mp3", "c.wav"])
            await EncodeAsync(name, ["-f", "lavfi", "-i", "sine=440:r=22050:d=1"]);
        await File.WriteAllTextAsync(Path.Combine(_folder, "notes.txt"), "no sound");
        var one = await RunAsync($"sources: {{all: {{type: file, path: {_folder}}}, one: {{type: ffmpeg, url: a.flac}}}}");

        Assert.Equal(0, one.ExitCode);
        Assert.Contains("streams           4", one.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Classify_WithoutFfmpeg_WavWorksAndTheOthersSayWhatToInstall()
    {
        var wav = await EncodeAsync("x.wav", ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"]);
        var flac = await EncodeAsync("x.flac", ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"]); // small: libsndfile decodes it
        var ogg = await EncodeAsync("x.ogg", ["-f", "lavfi", "-i", "sine=440:r=48000:d=2"]);
        var bin = Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName;
        foreach (var program in (string[])["dotnet", "setsid", "setpriv"])
            File.CreateSymbolicLink(
                Path.Combine(bin, program),
                Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(p => Path.Combine(p, program)).First(File.Exists));

        using var process = Cli.Start(new Dictionary<string, string?> { ["PATH"] = bin }, "classify", wav, flac, ogg, "--json");
        var result = await Cli.FinishAsync(process);

        Assert.Equal(3, result.ExitCode);
        Assert.Equal(2, result.Output.TrimEnd().Split('\n').Length);
        Assert.Contains("apt-get install ffmpeg", Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        using var live = Cli.Start(
            new Dictionary<string, string?> { ["PATH"] = bin }, "run",
            Pipeline("sources: {cam: {type: ffmpeg, url: 'rtsp://127.0.0.1:9/x'}}"));
        var run = await Cli.FinishAsync(live);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("apt-get install ffmpeg", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FileThatIsCutOffInTheMiddle_UsesWhatIsThere()
    {
        var whole = await EncodeAsync("x.flac", ["-f", "lavfi", "-i", "anoisesrc=r=48000:d=4"]);
        File.WriteAllBytes(Path.Combine(_folder, "cut.flac"), File.ReadAllBytes(whole)[..^100_000]);

        var result = await RunAsync("sources: {one: {type: file, path: cut.flac}}");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("cut.flac: could not all be decoded; ffmpeg said:", result.Error, StringComparison.Ordinal);
        Assert.Contains("streams           1", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NamesThatAreNoUtf8_AreHeardToo()
    {
        await EncodeAsync("x.wav", ["-f", "lavfi", "-i", "sine=440:r=22050:d=1"]);
        await EncodeAsync("x.flac", ["-f", "lavfi", "-i", "sine=440:r=22050:d=1"]);
        using (var rename = Process.Start(
            new ProcessStartInfo("bash", ["-c", "mv x.wav $'caf\\xe9.wav' && mv x.flac $'caf\\xe9.flac'"]) { WorkingDirectory = _folder })!)
            await rename.WaitForExitAsync();

        var result = await RunAsync($"sources: {{all: {{type: file, path: {_folder}}}}}");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("streams           2", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FolderWithOtherFiles_SaysWhatItLeavesOut()
    {
        await EncodeAsync("x.wav", ["-f", "lavfi", "-i", "sine=440:r=22050:d=1"]);
        await File.WriteAllTextAsync(Path.Combine(_folder, "notes.txt"), "no sound");

        var result = await RunAsync($"sources: {{all: {{type: file, path: {_folder}}}}}");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("notes.txt", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_DecoderThatStops_IsEndedAndToldAndWhatCameIsHeard()
    {
        var file = await EncodeAsync("x.flac", ["-f", "lavfi", "-i", "anoisesrc=r=48000:d=600"]);
        await using var audio = await AudioFile.OpenWithFfmpegAsync(
            new SecretUrl(file), [], 0, null, CancellationToken.None, null, TimeSpan.FromSeconds(1));
        var part = new float[48_000];
        Assert.Equal(part.Length, audio.Read(part));
        var ffmpeg = Process.GetProcessesByName(
            "ffmpeg").Single(p => File.ReadAllText($"/proc/{p.Id}/cmdline").Contains(file, StringComparison.Ordinal));
        Cli.Signal(ffmpeg, 19); // SIGSTOP

        while (audio.Read(part) > 0)
        {
            // What is in the pipe still comes.
        }

        Assert.Contains("ffmpeg gave nothing more for 1 s", audio.Truncation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{type: ffmpeg, url: \"rtsp://u:s3cretpw@cam/a\\nb\"}", "holds a line break")]
    [InlineData("{type: ffmpeg, url: x.mp3, max_backoff: 1s}", "is for live sources")]
    [InlineData("{type: ffmpeg}", "key 'url' is missing")]
    [InlineData("{type: ffmpeg, url: 'htps://h/x'}", "begins with 'htps://', which can't be heard; did you mean 'https'?")]
    [InlineData("{type: ffmpeg, url: x.mp3, options: [-y, /etc/passwd]}", "-y is no option of an input")]
    [InlineData("{type: ffmpeg, url: x.mp3, options: [/tmp/out.wav]}", "stands where an option's name is expected")]
    [InlineData("{type: ffmpeg, url: x.mp3, options: [-f, concat]}", "-f concat is no format of sound")]
    [InlineData("{type: ffmpeg, url: x.mp3, options: [-user_agent]}", "-user_agent has no value")]
    [InlineData("{type: microphone, device: a, index: 1}", "stands beside 'device'")]
    [InlineData("{type: microphone, channels: 2, channel: 2}", "channel 2 was asked for, but 2 are opened")]
    [InlineData("{type: socket, path: x.sock, framing: wav, encoding: u8}", "framing: wav says this itself")]
    [InlineData("{type: stdin, drift_correction: true}", "is for live sources")]
    public async Task Validate_BadSource_SaysWhere(string source, string message)
    {
        var result = await Cli.RunAsync("validate", Pipeline($"sources: {{mic: {source}}}"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cretpw", result.Error, StringComparison.Ordinal);
        Assert.Contains("p.yaml:1:", result.Error, StringComparison.Ordinal);
    }

    private static async Task<float[]> ReadAsync(string path)
    {
        await using var file = await AudioFile.OpenAsync(path);
        var all = new List<float>();
        var part = new float[10_000];
        for (int read; (read = file.Read(part)) > 0;)
            all.AddRange(part.AsSpan(0, read));
        Assert.Null(file.Truncation);
        return [.. all];
    }

    private static float Some(AudioFile file)
    {
        var part = new float[100];
        Assert.Equal(100, file.Read(part));
        return part[50];
    }

    private string Pipeline(string sources)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $"{sources}\nsinks: {{out: {{type: console, format: lines}}}}\n");
        return path;
    }

    private Task<Cli.Result> RunAsync(string sources) => Cli.RunAsync("run", Pipeline(sources));

    private async Task<string> EncodeAsync(string name, string[] arguments)
    {
        var path = Path.Combine(_folder, name);
        using var ffmpeg = Process.Start("ffmpeg", ["-nostdin", "-loglevel", "error", "-y", .. arguments, path]);
        await ffmpeg.WaitForExitAsync();
        Assert.Equal(0, ffmpeg.ExitCode);
        return path;
    }
}
