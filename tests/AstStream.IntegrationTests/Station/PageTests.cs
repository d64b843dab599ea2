using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AstStream.IntegrationTests.Station;

/// <summary>The page over a real run, in a real browser.</summary>
public sealed class PageTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly List<string> _troubles = []; // of the page: errors, and what the policy refused
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async Task InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Headless = true });
        SetDefaultExpectTimeout(60_000);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.CloseAsync();
        _playwright?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Page_OverARun_ShowsPlaysAndJudgesWhatIsHeard()
    {
        await using var run = new StationRun(_folder);
        var sound = new LiveSound(run.Socket);
        var page = await OpenAsync(run, 1280, 900);

        // Now: the stream is there, heard and seen.
        var tile = page.Locator("aststream-tile");
        await Expect(tile.Locator(".state")).ToHaveTextAsync("running");
        await Expect(tile.Locator(".hears li")).ToHaveCountAsync(5);
        sound.IsLoud = true;
        await page.WaitForFunctionAsync(
            """
            () => {
              const canvas = document.querySelector('canvas.live');
              const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
              return pixels.some((v, i) => i % 4 === 0 && v > 200);
            }
            """, null, new() { Timeout = 30_000 });
        await CheckAsync(page);

        // Events: it comes by itself, can be heard, seen and judged, by keys alone.
        await page.GetByRole(AriaRole.Link, new() { Name = "Events" }).ClickAsync();
        var rows = page.Locator("tbody tr");
        await Expect(rows.First).ToBeVisibleAsync();
        sound.IsLoud = false;
        await Expect(rows.First).Not.ToContainTextAsync("goes on");
        await Expect(async () =>
        {
            await page.ReloadAsync();
            await Expect(rows.First).ToBeVisibleAsync();
            await page.Keyboard.PressAsync("j");
            await Expect(page.Locator("aststream-clip audio")).ToBeVisibleAsync(new() { Timeout = 1000 });
        });
        await page.WaitForFunctionAsync("() => document.querySelector('aststream-clip')?.samples?.length > 16000");
        await Expect(page.Locator("aststream-scores canvas")).ToHaveAttributeAsync("aria-label", new Regex(@"event: .+ up to [01]\.\d\d"));
        await page.Keyboard.PressAsync(" ");
        await page.WaitForFunctionAsync("() => document.querySelector('audio').currentTime > 0.2");
        await page.Keyboard.PressAsync(" ");
        await page.Keyboard.PressAsync("w");
        await Expect(rows.First.Locator(".verdict")).ToHaveTextAsync("wrong");
        await page.Keyboard.PressAsync("u");
        await Expect(rows.First.Locator(".verdict")).ToHaveTextAsync("");
        await CheckAsync(page);

        // Labels: another threshold, in the file and at once.
        await page.GetByRole(AriaRole.Link, new() { Name = "Labels" }).ClickAsync();
        var slider = page.GetByLabel("Threshold");
        await Expect(slider).ToHaveValueAsync("0.05");
        await slider.FillAsync("0.9");
        await Expect(page.Locator("aststream-labels [role=status]")).ToContainTextAsync("At 0.90,");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save the threshold" }).ClickAsync();
        await Expect(page.Locator("aststream-labels [role=status]")).ToContainTextAsync("Now it is 0.90.");
        Assert.Contains(": 0.9}", await File.ReadAllTextAsync(Path.Combine(_folder, "p.yaml")), StringComparison.Ordinal);
        await CheckAsync(page);

        // The source goes and comes back.
        await sound.DisposeAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Health" }).ClickAsync();
        await Expect(page.Locator(".trouble").First).ToContainTextAsync("porch");
        await CheckAsync(page);
        sound = new LiveSound(run.Socket);
        await Expect(page.Locator(".well")).ToHaveTextAsync("All is well.");
        await page.GetByRole(AriaRole.Link, new() { Name = "Streams" }).ClickAsync();
        await Expect(page.Locator("section .quiet").First).ToContainTextAsync("analysed");
        await CheckAsync(page);
        await sound.DisposeAsync();
        Assert.Empty(_troubles);
    }

    [Fact]
    public async Task Page_OnAPhoneWithHostileNamesAndAPassword_ShowsTextAndFits()
    {
        const string name = "<img src=x onerror=alert(1)>";
        var hash = (await Cli.RunAsync("correct horse\n"u8.ToArray(), ["station", "password"])).Output.Trim();
        var sounds = Directory.CreateDirectory(Path.Combine(_folder, "sounds")).FullName;
        Tones.Write(sounds, name + ".wav", 6);
        Tones.Write(sounds, "another.wav", 6);
        await using var run = new StationRun(
            _folder,
            $$"""
            sources: {sound: {type: file, path: "{{sounds}}" } }
            events: {threshold: 0.01, related: keep}
            """, $"password: {hash}", "--keep-page");
        var page = await OpenAsync(run, 390, 800);
        page.Dialog += (_, dialog) => _troubles.Add($"dialog: {dialog.Message}");

        await page.GetByLabel("Password").FillAsync("wrong");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        await Expect(page.Locator("#toast")).ToHaveTextAsync("that is not the password");
        await page.GetByLabel("Password").FillAsync("correct horse");
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
        foreach (var view in (string[])["Now", "Events", "Map", "Streams", "Labels", "Models", "Health"])
        {
            await page.GetByRole(AriaRole.Link, new() { Name = view, Exact = true }).ClickAsync();
            if (view is not ("Health" or "Labels" or "Map" or "Models"))
                await Expect(page.Locator("main")).ToContainTextAsync(name);
            if (view == "Map")
            {
                await Expect(page.Locator("aststream-map > .quiet")).ToContainTextAsync(new Regex(@"^\d+ events\."));
                await page.EvaluateAsync("() => history.back()");
                await page.Locator("tbody tr button").First.ClickAsync();
                await page.Keyboard.PressAsync("s");
                await Expect(page.Locator("aststream-map tbody tr").First).ToContainTextAsync(new Regex(@"^(1\.00|0\.\d\d)"));
                await page.Locator("aststream-map tbody button").First.ClickAsync();
                await Expect(page.Locator("aststream-map dl")).ToContainTextAsync(new Regex("another|img"));
            }

            if (view == "Models")
                await Expect(page.Locator("main")).ToContainTextAsync("No model scores in its shadow");
            if (view == "Streams")
            {
                await page.GetByText("Levels", new() { Exact = true }).First.ClickAsync();
                await Expect(page.Locator("aststream-levels .uplot")).ToHaveCountAsync(2);
                // A minute of which less than half a second was heard has no level: one may begin or end there.
                await Expect(page.Locator("aststream-levels").First)
                    .ToContainTextAsync(new Regex(@"dBFS over (6\.0|5\.[5-9]) s; highest LCpeak"));
            }

            var over = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
            Assert.True(over <= 0, $"{view} is {over} pixels too wide");
            Assert.Equal(0, await page.Locator("main img").CountAsync());
            await CheckAsync(page);
        }

        await page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await Expect(page.GetByLabel("Password")).ToBeVisibleAsync();
        Assert.All(_troubles, t => Assert.Contains("401", t, StringComparison.Ordinal));
    }

    private async Task<IPage> OpenAsync(StationRun run, int width, int height)
    {
        await run.AnswersAsync();
        var page = await _browser!.NewPageAsync(new() { ViewportSize = new() { Width = width, Height = height } });
        page.PageError += (_, error) => _troubles.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("closed before the connection is established", StringComparison.Ordinal))
                _troubles.Add(message.Text);
        };
        await page.GotoAsync(run.Address);
        return page;
    }

    /// <summary>Nothing that keeps people from using the page, as axe sees it.</summary>
    private static async Task CheckAsync(IPage page)
    {
        var found = await page.RunAxe();
        var serious = found.Violations.Where(v => v.Impact is "serious" or "critical")
            .Select(v => $"{v.Id}: {v.Help} ({string.Join("; ", v.Nodes.Select(n => n.Html))})");
        Assert.Empty(serious);
    }

    /// <summary>Tries something until it goes well.</summary>
    private static async Task Expect(Func<Task> attempt)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await attempt();
                return;
            }
            catch (PlaywrightException) when (i < 20)
            {
                await Task.Delay(500);
            }
        }
    }

    private static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
