using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AstStream.IntegrationTests;

/// <summary>Runs the program as a person does, in a process of its own.</summary>
internal static partial class Cli
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "aststream.dll");

    public static Task<Result> RunAsync(params string[] arguments) => RunAsync(null, arguments);

    public static async Task<Result> RunAsync(byte[]? input, string[] arguments)
    {
        using var process = Start(arguments);
        return await FinishAsync(process, input);
    }

    public static Process Start(params string[] arguments) => Start(new Dictionary<string, string?>(), arguments);

    public static Process Start(IReadOnlyDictionary<string, string?> environment, params string[] arguments) =>
        Start(Program, environment, arguments);

    /// <summary>Starts any of the project's programs.</summary>
    public static Process Start(string program, IReadOnlyDictionary<string, string?> environment, string[] arguments)
    {
        var start = new ProcessStartInfo("env")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it pays in hours, and costs a tenth of a start
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        // A shell has its background jobs ignore interrupts, and what is started by them does so too.
        foreach (var argument in (string[])["--default-signal=INT", "dotnet", "exec", program, .. arguments])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static async Task<Result> FinishAsync(Process process, byte[]? input = null)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null)
            await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(s_patience);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"the program did not end; so far: {await output} {await error}");
        }

        return new Result(process.ExitCode, await output, await error);
    }

    public static void Signal(Process process, int signal) => Assert.Equal(0, Kill(process.Id, signal));

    /// <summary>
    /// Waits until a process handles a signal that would end it, and sees that it does before it opens a model: the runtime itself takes
    /// its time to start.
    /// </summary>
    public static async Task HandlesAsync(Process process, int signal)
    {
        using var timeout = new CancellationTokenSource(s_patience);
        while (true)
        {
            // In this order: what is loaded when the signal is found without a handler was so before.
            var opens = File.ReadAllText($"/proc/{process.Id}/maps").Contains("libonnxruntime", StringComparison.Ordinal);
            var caught = File.ReadLines($"/proc/{process.Id}/status").First(l => l.StartsWith("SigCgt:", StringComparison.Ordinal));
            if ((Convert.ToUInt64(caught[7..].Trim(), 16) >> (signal - 1) & 1) == 1)
                return;
            Assert.False(opens, $"a model opens, and signal {signal} has no handler");
            await Task.Delay(5, timeout.Token);
        }
    }

    /// <summary>Waits until a process has stopped working: all of it waits for something.</summary>
    public static async Task StuckAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(s_patience);
        TimeSpan before;
        do
        {
            before = process.TotalProcessorTime;
            await Task.Delay(500, timeout.Token);
            process.Refresh();
        }
        while (process.TotalProcessorTime - before > TimeSpan.FromMilliseconds(20));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);

    internal sealed record Result(int ExitCode, string Output, string Error);
}
