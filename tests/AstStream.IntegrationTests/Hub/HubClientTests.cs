using AstStream.Connectors.Hub;

namespace AstStream.IntegrationTests.Hub;

public sealed class HubClientTests : IDisposable
{
    private const string Weights = "model.safetensors";
    private static readonly HubReference s_model = HubReference.Parse("hf://" + FakeHub.Model);

    private readonly string _cache = Directory.CreateTempSubdirectory("aststream-hub-").FullName;
    private readonly FakeHub _hub = new();

    public HubClientTests() => Fill(_hub);

    public void Dispose()
    {
        _hub.Dispose();
        Directory.Delete(_cache, recursive: true);
    }

    [Fact]
    public async Task Download_WholeModel_LiesInTheCacheOfHuggingfaceHub()
    {
        var progress = new List<HubProgress>();
        var folder = await DownloadAsync(Options(_hub), new Recorder(progress));

        Assert.Equal(Path.Combine(_cache, "models--someone--ast", "snapshots", FakeHub.Commit), folder);
        foreach (var (file, bytes) in _hub.Files.Where(f => f.Key != "README.md"))
            Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(folder, file)));
        Assert.False(File.Exists(Path.Combine(folder, "README.md")));
        Assert.Equal(
            $"../../blobs/{FakeHub.ETag(_hub.Files[Weights], large: true)}", new FileInfo(Path.Combine(folder, Weights)).LinkTarget);
        Assert.Equal(FakeHub.Commit, File.ReadAllText(Path.Combine(_cache, "models--someone--ast", "refs", "main")));
        Assert.Contains(progress, p => p.File == Weights && p.Bytes == p.Total);
    }

    [Fact]
    public async Task Download_Again_FetchesNoFile()
    {
        await DownloadAsync(Options(_hub));
        _hub.Requests.Clear();
        await DownloadAsync(Options(_hub));
        Assert.All(_hub.Requests, r => Assert.True(r.Method == "HEAD" || r.Path.StartsWith("/api/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Download_CutTwice_GoesOnWhereItWasCut()
    {
        _hub.Fail($"GET {Weights}", new Fault(), new Fault { CutAfter = 70_000 }, new Fault(), new Fault { CutAfter = 50_000 });
        var folder = await DownloadAsync(Options(_hub));
        Assert.Equal(_hub.Files[Weights], File.ReadAllBytes(Path.Combine(folder, Weights)));
        Assert.Equal([null, "bytes=70000-", "bytes=120000-"], _hub.Requests.Where(r => r.Path == "/cdn/" + Weights).Select(r => r.Range));
    }

    [Fact]
    public async Task Download_InterruptedForGood_GoesOnInTheNextOne()
    {
        _hub.Fail($"GET {Weights}",
            [.. Enumerable.Repeat(new Fault(), 1), new Fault { CutAfter = 90_000 }, .. Enumerable.Repeat(new Fault { Status = 503 }, 10)]);
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("answers 503", e.Message, StringComparison.Ordinal);
        Assert.Contains("the same command goes on from there", e.Message, StringComparison.Ordinal);
        _hub.Faults.Clear();
        _hub.Requests.Clear();
        await DownloadAsync(Options(_hub));
        Assert.Equal("bytes=90000-", Assert.Single(_hub.Requests, r => r.Path == "/cdn/" + Weights).Range);
    }

    [Fact]
    public async Task Download_ServerWithoutRanges_BeginsAnew()
    {
        _hub.Fail($"GET {Weights}", new Fault(), new Fault { CutAfter = 70_000 }, new Fault(), new Fault { IgnoreRange = true });
        var folder = await DownloadAsync(Options(_hub));
        Assert.Equal(_hub.Files[Weights], File.ReadAllBytes(Path.Combine(folder, Weights)));
    }

    [Fact]
    public async Task Download_Stall_IsNoticedAndTriedAgain()
    {
        _hub.Fail($"GET {Weights}", new Fault(), new Fault { StallAfter = 1000 });
        var folder = await DownloadAsync(Options(_hub) with { StallTimeout = TimeSpan.FromMilliseconds(500) });
        Assert.Equal(_hub.Files[Weights], File.ReadAllBytes(Path.Combine(folder, Weights)));
    }

    [Fact]
    public async Task Download_TooManyRequests_WaitsAsLongAsAsked()
    {
        _hub.Fail("HEAD config.json", new Fault { Status = 429, RetryAfter = 1 });
        var before = TimeProvider.System.GetTimestamp();
        await DownloadAsync(Options(_hub));
        Assert.True(TimeProvider.System.GetElapsedTime(before) >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Download_WrongBytes_AreRemoved()
    {
        _hub.Fail($"GET {Weights}", new Fault(), new Fault { Corrupt = true });
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("model.safetensors has the hash", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_cache, "models--someone--ast", "blobs"), "*.incomplete"));
        await DownloadAsync(Options(_hub));
    }

    [Fact]
    public async Task Download_WrongBytesOfASmallFile_AreRemoved()
    {
        _hub.Fail("GET config.json", new Fault { Corrupt = true });
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("config.json has the hash", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-10, "goes on after its")]
    [InlineData(10, "model.safetensors: ends at byte 200000, before the size")]
    public async Task Download_WrongSize_IsToldApart(int more, string message)
    {
        _hub.Sizes[Weights] = _hub.Files[Weights].Length + more;
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.False(
            Directory.Exists(Path.Combine(_cache, "models--someone--ast", "snapshots", FakeHub.Commit))
            && File.Exists(Path.Combine(_cache, "models--someone--ast", "snapshots", FakeHub.Commit, Weights)));
    }

    [Theory]
    [InlineData("config.json", 1_000_000_000_000_000, "config.json has 1000000000000000 bytes; expected at most 16777216")]
    [InlineData(Weights, 1_000_000_000_000_000, "model.safetensors has 1000000000000000 bytes; expected at most 17179869184")]
    public async Task Download_FileOfAbsurdSize_IsNotEvenBegun(string file, long size, string message)
    {
        _hub.Large.Add(file);
        _hub.Sizes[file] = size;

        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_hub.Requests, r => r.Path == "/cdn/" + file);
    }

    [Fact]
    public async Task Download_ProcessorConfigAndLoneWeights_AreTaken()
    {
        foreach (
            var (old, name) in ((string, string)[])[("preprocessor_config.json", "processor_config.json"), (Weights, "best.safetensors")])
        {
            _hub.Files.Remove(old, out var bytes);
            _hub.Files[name] = bytes!;
        }

        _hub.Large.Add("best.safetensors");

        var folder = await DownloadAsync(Options(_hub));

        Assert.Equal(["best.safetensors", "config.json", "processor_config.json"], Directory.EnumerateFiles(
            folder).Select(Path.GetFileName).Order());
        Assert.Equal(folder, await DownloadAsync(Options(_hub) with { IsOffline = true }));
    }

    [Fact]
    public async Task Download_Adapter_SaysWhatItIs()
    {
        _hub.Files.Remove("config.json", out _);
        _hub.Files["adapter_config.json"] = "{}"u8.ToArray();

        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));

        Assert.Contains("is an adapter of PEFT", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_PrivateModel_AsksForATokenAndKeepsItOnItsHost()
    {
        using var hub = new FakeHub { Token = "secret" };
        Fill(hub);
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(hub)));
        Assert.Contains("answers 401: it is private, gated, or not there; give a token in HF_TOKEN", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(hub) with { Token = "other" }));
        Assert.Contains("the token in HF_TOKEN is not allowed to read it", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("other", e.Message, StringComparison.Ordinal);

        await DownloadAsync(Options(hub) with { Token = "secret" });
        Assert.All(hub.Requests.Where(r => r.Path.StartsWith("/cdn/", StringComparison.Ordinal)), r => Assert.Null(r.Authorization));
        Assert.Contains(hub.Requests, r => r.Host.StartsWith("localhost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Download_NoSuchModel_SaysSo()
    {
        using var client = new HubClient(Options(_hub));
        var e = await Assert.ThrowsAsync<HubException>(() => client.DownloadAsync(HubReference.Parse("hf://someone/else"), null, default));
        Assert.Contains("answers 404: there is no such model, revision or file", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_OtherKindsOfModels_SayWhatIsMissing()
    {
        _hub.Files.Remove("preprocessor_config.json");
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("has no preprocessor_config.json; expected an Audio Spectrogram Transformer", e.Message, StringComparison.Ordinal);
        Fill(_hub);
        _hub.Files.Remove(Weights);
        e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("has neither model.safetensors nor pytorch_model.bin", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_Shards_AreFoundThroughTheirIndexAndMayNotLeaveTheFolder()
    {
        _hub.Files.Remove(Weights);
        _hub.Files["model-00001-of-00001.safetensors"] = [1, 2, 3];
        _hub.Files["model.safetensors.index.json"] = """{"weight_map":{"a":"model-00001-of-00001.safetensors"}}"""u8.ToArray();
        var folder = await DownloadAsync(Options(_hub));
        Assert.True(File.Exists(Path.Combine(folder, "model-00001-of-00001.safetensors")));

        _hub.Files["model.safetensors.index.json"] = """{"weight_map":{"a":"../../../etc/passwd.safetensors"}}"""u8.ToArray();
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains(
            "names the shard '../../../etc/passwd.safetensors'; expected a file beside it", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_Redirects_AreFollowedWithinReason()
    {
        _hub.Fail("GET config.json", new Fault { Location = $"/{FakeHub.Model}/resolve/{FakeHub.Commit}/config.json" });
        await DownloadAsync(Options(_hub));

        _hub.Fail("HEAD model.safetensors",
            [.. Enumerable.Repeat(new Fault { Location = $"/{FakeHub.Model}/resolve/{FakeHub.Commit}/{Weights}" }, 20)]);
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("redirects more than 5 times", e.Message, StringComparison.Ordinal);

        _hub.Faults.Clear();
        _hub.Fail("GET main", new Fault { Location = "ftp://elsewhere/x" });
        e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub)));
        Assert.Contains("redirects from http to ftp; that is not followed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_HubUnderAPath_IsAskedThere()
    {
        using var hub = new FakeHub { Prefix = "/mirror/hub" };
        Fill(hub);
        var told = new List<string>();
        hub.Fail("HEAD config.json", new Fault { Status = 500 });
        await DownloadAsync(Options(hub) with { Endpoint = new Uri(hub.Endpoint, "/mirror/hub/"), OnRetry = told.Add });
        Assert.All(hub.Requests.Where(r => !r.Path.StartsWith("/cdn/", StringComparison.Ordinal)),
            r => Assert.StartsWith("/mirror/hub/", r.Path, StringComparison.Ordinal));
        Assert.Equal("127.0.0.1 answers 500 Answer; trying again in 0 s", Assert.Single(told));
    }

    [Fact]
    public async Task Download_Offline_UsesTheCacheAlone()
    {
        var e = await Assert.ThrowsAsync<HubException>(() => DownloadAsync(Options(_hub) with { IsOffline = true }));
        Assert.Contains(
            "is not in the cache, or not whole, and HF_HUB_OFFLINE forbids to download it", e.Message, StringComparison.Ordinal);
        var folder = await DownloadAsync(Options(_hub));
        _hub.Requests.Clear();
        Assert.Equal(folder, await DownloadAsync(Options(_hub) with { IsOffline = true }));
        Assert.Empty(_hub.Requests);
    }

    [Fact]
    public async Task Download_NoServer_SaysWhatToDo()
    {
        var e = await Assert.ThrowsAsync<HubException>(
            () => DownloadAsync(Options(_hub) with { Endpoint = new Uri("http://127.0.0.1:1") }));
        Assert.Contains("gave up on 127.0.0.1:1 after 4 attempts", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_TwoAtOnce_ShareOneFile()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => DownloadAsync(Options(_hub))));
        Assert.Single(_hub.Requests, r => r.Path == "/cdn/" + Weights);
    }

    [Fact]
    public async Task Import_FromTheHub_GivesAModelThatRuns()
    {
        var target = Path.Combine(_cache, "target");
        var reference = Path.Combine(AppContext.BaseDirectory, "reference", "ast-small-16x16-t256");
        foreach (var file in (string[])["config.json", "preprocessor_config.json", Weights])
            _hub.Files[file] = File.ReadAllBytes(Path.Combine(reference, file));
        var environment = new Dictionary<string, string?>
        {
            ["HF_ENDPOINT"] = _hub.Endpoint.ToString(),
            ["HF_HOME"] = Path.Combine(_cache,
            "hf"),
            ["HF_TOKEN"] = null
        };

        using var process = Cli.Start(environment, "model", "import", "hf://" + FakeHub.Model, "--to", target);
        var result = await Cli.FinishAsync(process);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.True(File.Exists(Path.Combine(_cache, "hf", "hub", "models--someone--ast", "refs", "main")));
        var classified = await Cli.RunAsync(
            "classify", Path.Combine(AppContext.BaseDirectory, "reference", "audio", "noise-3s.wav"), "--model", target);
        Assert.Equal(0, classified.ExitCode);
    }

    private static void Fill(FakeHub hub)
    {
        var weights = new byte[200_000];
        new Random(1).NextBytes(weights);
        hub.Files["config.json"] = """{"hidden_size":4}"""u8.ToArray();
        hub.Files["preprocessor_config.json"] = """{"std":1.0}"""u8.ToArray();
        hub.Files[Weights] = weights;
        hub.Files["README.md"] = "hello"u8.ToArray();
        hub.Large.Add(Weights);
    }

    private HubOptions Options(FakeHub hub) => new()
    {
        Endpoint = hub.Endpoint,
        CacheFolder = _cache,
        FirstPause = TimeSpan.FromMilliseconds(10),
        MaxRetries = 3,
        StallTimeout = TimeSpan.FromSeconds(20),
    };

    private static async Task<string> DownloadAsync(HubOptions options, IProgress<HubProgress>? progress = null)
    {
        using var client = new HubClient(options);
        return await client.DownloadAsync(s_model, progress, default);
    }

    private sealed class Recorder(List<HubProgress> list) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => list.Add(value);
    }
}
