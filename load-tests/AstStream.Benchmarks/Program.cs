using AstStream.Benchmarks;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// `frontend` prints one line a kernel, to be read beside other programs' lines of one run; `soxr` our resampler beside libsoxr; `levels`
// what level meters take of a core; everything else is BenchmarkDotNet's.
if (args is ["frontend", ..])
{
    FrontEndLines.Print();
}
else if (args is ["soxr", ..])
{
    BesideSoxr.Print();
}
else if (args is ["levels", ..])
{
    LevelLines.Print();
}
else
{
    // In this process: the projects that BenchmarkDotNet generates would inherit Directory.Build.props and not build.
    var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
    BenchmarkSwitcher.FromAssembly(typeof(FrontEndLines).Assembly).Run(args, config);
}
