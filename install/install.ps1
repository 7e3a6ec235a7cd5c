<#
.SYNOPSIS
Installs hyperframes-ci: downloads the program of a release, verifies it, and moves it to a directory.

.DESCRIPTION
irm https://github.com/hyperframes-ci/hyperframes-ci/releases/latest/download/install.ps1 | iex

With parameters:
& ([scriptblock]::Create((irm https://github.com/hyperframes-ci/hyperframes-ci/releases/latest/download/install.ps1))) -Version 0.1.0

The SHA-256 checksum is always verified, the build provenance if gh is installed and signed in.

.PARAMETER Version
Version to install, such as 0.1.0 or latest.

.PARAMETER To
Directory for the program. Default: $env:HYPERFRAMES_CI_INSTALL_DIR, then $env:LOCALAPPDATA\Programs\hyperframes-ci.
#>
param(
  [string]$Version = "",
  [string]$To = ""
)

function Install-HyperframesCi {
  param([string]$Version, [string]$To)
  $ErrorActionPreference = "Stop"
  # The progress bar makes downloads slow in Windows PowerShell 5.
  $ProgressPreference = "SilentlyContinue"
  # The release workflow sets the version in the copy that it attaches to a release.
  $defaultVersion = "latest"
  $repository = "hyperframes-ci/hyperframes-ci"
  # Windows on Arm runs this program as well.
  $target = "x86_64-pc-windows-msvc"

  if (-not $Version) { $Version = $defaultVersion }
  $Version = $Version -replace "^v", ""
  if ($Version -notmatch "^[0-9A-Za-z.+-]+$") { throw "invalid version: $Version; pass a version such as 0.1.0, or latest" }
  if (-not $To) { $To = $env:HYPERFRAMES_CI_INSTALL_DIR }
  if (-not $To) {
    if (-not $env:LOCALAPPDATA) { throw "LOCALAPPDATA is not set; pass a directory with -To" }
    $To = Join-Path $env:LOCALAPPDATA "Programs\hyperframes-ci"
  }
  $To = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($To)
  if (-not [Environment]::Is64BitOperatingSystem) {
    throw "no prebuilt program for 32-bit Windows; build it from source: cargo install --locked hyperframes-ci"
  }

  if ($env:HYPERFRAMES_CI_DOWNLOAD_URL) {
    if ($Version -eq "latest") { throw "HYPERFRAMES_CI_DOWNLOAD_URL needs a version; pass -Version" }
    $base = $env:HYPERFRAMES_CI_DOWNLOAD_URL.TrimEnd("/") + "/v$Version"
  } elseif ($Version -eq "latest") {
    $base = "https://github.com/$repository/releases/latest/download"
  } else {
    $base = "https://github.com/$repository/releases/download/v$Version"
  }
  if ($base -notmatch "^(https://|http://(127\.0\.0\.1|localhost)[:/])") {
    throw "HYPERFRAMES_CI_DOWNLOAD_URL must be an https URL: $base"
  }
  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

  $work = Join-Path ([IO.Path]::GetTempPath()) ("hyperframes-ci-" + [Guid]::NewGuid())
  $staged = $null
  New-Item -ItemType Directory -Path $work | Out-Null
  try {
    $file = "hyperframes-ci-$target.zip"
    $archive = Join-Path $work $file
    Write-Host "Downloading hyperframes-ci $Version for $target"
    $sums = Join-Path $work "SHA256SUMS"
    foreach ($download in @(@("$base/SHA256SUMS", $sums), @("$base/$file", $archive))) {
      try {
        Invoke-WebRequest -UseBasicParsing -Uri $download[0] -OutFile $download[1]
      } catch {
        throw "cannot download $($download[0]): $($_.Exception.Message)"
      }
    }
    $expected = $null
    foreach ($line in Get-Content $sums) {
      $sum, $name = $line -split "\s+", 2
      if ($name -eq $file) { $expected = $sum }
    }
    if ($expected -notmatch "^[0-9a-f]{64}$") { throw "SHA256SUMS of version $Version does not list $file" }
    $found = (Get-FileHash -Algorithm SHA256 -Path $archive).Hash.ToLowerInvariant()
    if ($found -ne $expected) {
      throw "checksum mismatch for $base/${file}: expected $expected, found $found; the download is incomplete or was modified"
    }
    Write-Host "Verified SHA-256"

    $isSignedIn = $false
    if (Get-Command gh -ErrorAction SilentlyContinue) {
      # Messages of native programs are not errors of this script.
      $ErrorActionPreference = "Continue"
      gh auth status *> $null
      $isSignedIn = $LASTEXITCODE -eq 0
      if ($isSignedIn) {
        $provenance = gh attestation verify $archive --repo $repository 2>&1
        if ($LASTEXITCODE -ne 0) {
          throw "cannot verify the build provenance of ${file}; do not use this file, and report it to the maintainers: $provenance"
        }
        Write-Host "Verified build provenance"
      }
      $ErrorActionPreference = "Stop"
    }
    if (-not $isSignedIn) { Write-Host "Skipped build provenance: gh is not installed or not signed in" }

    # The program is complete and runs before it gets its name: an interrupted installation changes nothing.
    Expand-Archive -Path $archive -DestinationPath (Join-Path $work "archive")
    New-Item -ItemType Directory -Force -Path $To | Out-Null
    $staged = Join-Path $To ".hyperframes-ci-$PID.exe"
    Copy-Item -Path (Join-Path $work "archive\hyperframes-ci.exe") -Destination $staged
    $installed = & $staged --version
    if ($LASTEXITCODE -ne 0) { throw "the program for $target does not run on this machine" }
    if ($Version -ne "latest" -and $installed -ne "hyperframes-ci $Version") { throw "release $Version contains $installed" }
    $program = Join-Path $To "hyperframes-ci.exe"
    Move-Item -Force -Path $staged -Destination $program
    Write-Host "Installed $installed to $program"
  } finally {
    Remove-Item -Recurse -Force -Path $work -ErrorAction SilentlyContinue
    if ($staged) { Remove-Item -Force -Path $staged -ErrorAction SilentlyContinue }
  }

  if ($env:GITHUB_PATH) { Add-Content -Path $env:GITHUB_PATH -Value $To }
  if (($env:PATH -split ";") -notcontains $To) {
    Write-Host ""
    Write-Host "$To is not on PATH. To add it, run:"
    Write-Host "  [Environment]::SetEnvironmentVariable('Path', [Environment]::GetEnvironmentVariable('Path', 'User') + ';$To', 'User')"
  }
}

# The last line, so that a partial download of this script does nothing.
Install-HyperframesCi -Version $Version -To $To
