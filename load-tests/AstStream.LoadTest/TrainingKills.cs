using System.Diagnostics;
using System.Security.Cryptography;
using AstStream.Dsp;

namespace AstStream.LoadTest;

/// <summary>
/// Kills a training at any moment, again and again, and lets it go on: its weights must be those of one that nobody disturbed.
/// </summary>
internal static class TrainingKills
{
    private const int Clips = 24;
    private const int Epochs = 12;

    public static async Task RunAsync(string program, string folder, int kills)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Make(Path.Combine(folder, "sounds"));
        var (random, killed, runs) = (new Random(1), 0, 0);
        var undisturbed = Path.Combine(folder, "undisturbed");
        var watch = Stopwatch.StartNew();
        if (!await TrainAsync(program, folder, undisturbed, null))
            throw new InvalidOperationException("the undisturbed training failed");
        var whole = watch.Elapsed;
        var (hash, wrong) = (Hash(undisturbed), 0);
        while (killed < kills)
        {
            var target = Path.Combine(folder, $"training-{runs++}");
            while (!await TrainAsync(program, folder, target, killed < kills ? random.NextDouble() * whole : null))
                killed++;
            wrong += Hash(target).AsSpan().SequenceEqual(hash) ? 0 : 1;
        }

        Console.WriteLine(
            $"{killed} kills in {runs} trainings of {Epochs} epochs, {whole.TotalSeconds:0.0} s each where nobody disturbs: {wrong} ended "
                + "with other weights");
    }

    /// <summary>Trains, and kills it after a time; gives whether it came to its end.</summary>
    private static async Task<bool> TrainAsync(string program, string folder, string target, TimeSpan? until)
    {
        string[] arguments =
        [
            "train", Path.Combine(folder, "sounds"), "--to", target, "--depth", "blocks=1", "--epochs", $"{Epochs}", "--batch", "8",
            "--patience", "0", "--threads", "2", "--resume",
        ];
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (until is { } time)
        {
            using var stop = new CancellationTokenSource(time);
            try
            {
                await process.WaitForExitAsync(stop.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }

        await process.WaitForExitAsync();
        await output;
        return process.ExitCode is 0 or 137 ? Directory.Exists(target) : throw new InvalidOperationException(await errors);
    }

    private static byte[] Hash(string folder) => SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));

    /// <summary>Tones, and noise, no two alike.</summary>
    private static void Make(string folder)
    {
        for (var i = 0; i < Clips; i++)
        {
            var (random, isTone) = (new Random(i), i % 2 == 0);
            var pitch = 300 + (2000 * random.NextDouble());
            var samples = new float[4 * FbankOptions.SampleRate];
            for (var s = 0; s < samples.Length; s++)
            {
                var tone = Math.Sin(2 * Math.PI * pitch * s / FbankOptions.SampleRate);
                samples[s] = (float)(0.2 * (isTone ? tone : random.NextDouble() - 0.5));
            }

            var label = Directory.CreateDirectory(Path.Combine(folder, isTone ? "tone" : "noise")).FullName;
            using var wav = new WavWriter(Path.Combine(label, $"{i}.wav"), FbankOptions.SampleRate, 1);
            wav.Write(samples);
        }
    }
}
